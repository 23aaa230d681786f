"""What an analyst's notebook opens: the city's store, encoder, models and knowledge base, as the service has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from cli_output import say
from cli_setup import ready_settings
from kb.gap_notes import note_triages
from kb.gaps import gather
from models.classifiers import LinearClassifier
from models.datasets import Example, Row, default_data, read_rows
from models.decided import rows_of_store
from models.registry import Registry
from triage import taxonomy
from triage.entities import EntityFinder
from triage.incident_watch import IncidentWatch
from triage.masking import mask
from triage.pipeline import Pipeline
from triage.protocols import Encoder, KnowledgeBase
from triage.sample_days import SampleClock, SampleDays
from triage.store import SqlTriageStore
from triage.taxonomy import Taxonomy
from triage.text import readable
from triage.volumes import newest_contacts
from wiring import (
    Progress,
    Settings,
    build_pipeline,
    load_calendar,
    load_default_classifier,
    load_encoder,
    load_entities,
    load_incident_rules,
    load_knowledge_base,
    open_database,
    open_registry,
)

_STYLE = "<style>table.facts td,table.facts th{text-align:left;vertical-align:top}</style>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench:
    """Everything is open until `close`; what is stored here is stored for the service too."""

    settings: Settings
    store: SqlTriageStore
    encoder: Encoder
    taxonomy: Taxonomy
    registry: Registry
    entities: EntityFinder
    kb: KnowledgeBase

    @classmethod
    def open(cls) -> Self:
        """Open what TRIAGE_HOME holds; a store without contacts gets the demo's, unless systems of the city hang on it.

        Raises:
            SettingsError: If a setting is wrong.
            TriageError: If the set-up, which runs where something is missing, does not finish.
        """
        settings = ready_settings()
        encoder, types = load_encoder(settings), taxonomy.load(settings.taxonomy)
        store = open_database(settings)
        bench = cls(
            settings=settings,
            store=store,
            encoder=encoder,
            taxonomy=types,
            registry=open_registry(settings, store, types, encoder.version),
            entities=load_entities(settings),
            kb=load_knowledge_base(settings, encoder),
        )
        if not store.counts().contacts and (settings.back_ends or settings.inbox):
            say("the store has no contacts; the demo's stay out of it: TRIAGE_BACKENDS or TRIAGE_INBOX is set")
        elif not store.counts().contacts:
            loaded = load_samples(settings, build_pipeline(settings, encoder, bench.kb), told)
            say(f"the store was empty: {loaded} contacts of the demo are in it now")
        return bench

    def mask(self, text: str) -> str:
        """Return a text without personal data."""
        return mask(text, self.entities.find(text))

    def active(self) -> LinearClassifier:
        """Return the model that answers now."""
        model_id = self.registry.active()
        return self.registry.open(model_id) if model_id else load_default_classifier(self.settings)

    def labelled(self) -> list[Row]:
        """Return the project's own messages and those that were labelled or decided in the store."""
        return [*read_rows(self.settings.messages or default_data()), *rows_of_store(self.store)]

    def seen(self, newest: int | None = None) -> list[Example]:
        """Return the contacts' texts, newest first, each with the type that was suggested as its label."""
        return [
            Example(
                text=readable(contact.message),
                label=contact.triage.answer["service_types"][0]["code"],
                language=contact.triage.answer["language"]["code"],
                channel=contact.message.channel.value,
                received_at=contact.message.received_at or contact.created_at,
            )
            for contact in newest_contacts(self.store, newest)
            if contact.triage and contact.triage.answer["service_types"]
        ]

    def new_folder(self, name: str) -> Path:
        """Return a folder under TRIAGE_HOME that does not exist yet."""
        home = self.settings.home / "trained"
        home.mkdir(parents=True, exist_ok=True)
        return next(folder for number in count(1) if not (folder := home / f"{name}-{number}").exists())

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of facts, which a notebook shows as a table."""

    rows: tuple[Mapping[str, object], ...]

    def _repr_html_(self) -> str:
        """Return the table as HTML; the first row names the columns."""
        names = list(self.rows[0]) if self.rows else ["no rows"]
        head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in names)
        body = "".join(f"<tr>{''.join(f'<td>{_shown(row[name])}</td>' for name in names)}</tr>" for row in self.rows)
        return f"{_STYLE}<table class='facts'><tr>{head}</tr>{body}</table>"


def table(rows: Sequence[Mapping[str, object]]) -> Table:
    """Return rows with the same names to be shown."""
    return Table(tuple(rows))


def drawn(rows: Sequence[Row], size: int | None, *, seed: int = 0) -> list[Row]:
    """Return `size` rows drawn without repetition, in their order; all of them where it is None or more."""
    if size is None or size >= len(rows):
        return list(rows)
    chosen = np.random.default_rng(seed).permutation(len(rows))[:size]
    return [rows[number] for number in sorted(chosen.tolist())]


def told(what: str, done: int, total: int) -> None:
    """Say a step of long work when it ends."""
    if done == total:
        say(f"{what}: done")


def load_samples(settings: Settings, pipeline: Pipeline, progress: Progress) -> int:
    """Bring in the demo's contacts that are not stored yet, by a store whose clock runs through two weeks.

    No system of the city's is told of them.

    Args:
        settings: Where the store is.
        pipeline: Triages them.
        progress: Told of (what, done, total).

    Returns:
        How many came in.
    """
    clock = SampleClock()
    with open_database(replace(settings, back_ends=None, inbox=None), now=clock) as store:
        days = SampleDays(
            pipeline=pipeline,
            store=store,
            clock=clock,
            calendar=load_calendar(settings),
            watch=IncidentWatch(store=store, rules=load_incident_rules(settings), taxonomy=pipeline.parts.taxonomy),
            noted=lambda pairs: note_triages(store.gaps, pairs),
        )
        loaded = days.load(progress)
        gather(store.gaps, pipeline.parts.encoder)
    return loaded


def _shown(value: object) -> str:
    return escape(f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value))
