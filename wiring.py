"""The only place that chooses concrete classes, and the only one that joins the three parts."""

import gc
import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from built_home import Built as Built
from city_settings import Settings as Settings
from kb.articles import Article, read_articles
from kb.building import build_index
from kb.live import LiveSearch, Watch, stamp_of
from kb.no_answer import NoAnswerModel
from kb.search import SectionSearch
from kb.snapshots import load as load_index
from models import conversion, datasets
from models.classifiers import LinearClassifier
from models.danger import DangerModel, NoDanger, load_ears, load_networks
from models.detector import ProfileDetector
from models.detector_build import build_detector
from models.encoder import STUDENT, MiniLMEncoder, MultilingualEncoder
from models.fitting import DEFAULT
from models.mixed import MixedTextDetector
from models.serving import LiveClassifier
from models.translation_engines import SHIPPED, ArgosEngine, installed
from models.translator import Engine, GuardedTranslator
from triage import calendar_file, incidents, taxonomy
from triage.backends import settings as backend_settings
from triage.backends.settings import BackEnd
from triage.calendar import CityCalendar
from triage.cells import CellPolicy
from triage.city_map import CityMap
from triage.entities import EntityFinder
from triage.errors import SettingsError
from triage.incidents import IncidentRules
from triage.pipeline import Parts, Pipeline
from triage.policy import ThresholdPolicy
from triage.protocols import Encoder, KnowledgeBase, ListeningEncoder
from triage.safety import Tripwire
from triage.taxonomy import Taxonomy
from triage.types import Channel, EntityKind, Language, Vectors
from triage.urgency import EvidenceRater

if TYPE_CHECKING:
    from models.registry import Registry
    from models.shadow import ShadowWatch
    from triage.inbox_running import Inbox
    from triage.inbox_settings import InboxSettings
    from triage.mail_folder import MailFolder
    from triage.mail_out import MailServer
    from triage.outbox import OutboxWorker
    from triage.store import SqlTriageStore

Progress = Callable[[str, int, int], None]
TRANSLATED_KINDS = frozenset({EntityKind.LANDMARK, EntityKind.DATE})  # every other entity survives as it stands


def set_up(settings: Settings, progress: Progress) -> None:
    """Build what is missing; safe to break off and to run again, and by several processes at once.

    It imports torch and scikit-learn: run it in a process of its own, not in the service.
    """
    from models import training

    built = Built(settings)
    missing = built.missing()
    if "detector" in missing:
        progress("language detector", 0, 1)
        build_detector(built.detector.parent)
        progress("language detector", 1, 1)
    if "encoder" in missing:
        progress("sentence encoder", 0, 1)
        conversion.convert(settings.encoder or str(conversion.packaged_weights()), built.encoder)
        progress("sentence encoder", 1, 1)
    encoder = load_encoder(settings)
    if "classifier" in missing:
        examples = datasets.read_examples(settings.messages or datasets.default_data())
        training.train_into(built.classifier, examples, encoder, DEFAULT, progress)
    if "index" in missing:
        progress("knowledge-base index", 0, 1)
        with open_database(settings) as store:
            build_knowledge_base(settings, encoder, store)
        progress("knowledge-base index", 1, 1)


def load_encoder(settings: Settings) -> MiniLMEncoder | MultilingualEncoder:
    """Open the converted English encoder and the shipped multilingual one; a city's own encoder stands alone."""
    if settings.encoder:
        return MiniLMEncoder.load(Built(settings).encoder, workers=settings.workers)
    ears = load_ears()
    english = MiniLMEncoder.load(Built(settings).encoder, workers=settings.workers, ear=ears[0])
    return MultilingualEncoder(english, MiniLMEncoder.load(STUDENT, workers=settings.workers, ear=ears[1]))


def load_articles(settings: Settings) -> tuple[Article, ...]:
    """Read the knowledge base's articles."""
    return read_articles(Built(settings).articles)


def indexed_articles(settings: Settings, store: "SqlTriageStore") -> tuple[Article, ...]:
    """Return the articles with the residents' wordings that were accepted as their aliases."""
    # Imported here, like all that needs the store: half a second of SQL for what opens none.
    from kb.wordings import with_accepted

    return with_accepted(load_articles(settings), store.articles.proposals(open_only=False))


def build_knowledge_base(settings: Settings, encoder: Encoder, store: "SqlTriageStore") -> SectionSearch:
    """Bring the index up to date beside the one that is there, and open it from its files, which are verified."""
    built = Built(settings)
    sources = built.index_sources
    build_index(indexed_articles(settings, store), encoder, built.index)
    built.index_note.write_text(sources, encoding="utf-8")
    return load_knowledge_base(settings, encoder)


def keep_versions(settings: Settings, store: "SqlTriageStore") -> None:
    """Keep what every article says now, where that is new."""
    from kb.history import History

    History(store.articles, Built(settings).articles).keep(by="articles folder")


def load_default_classifier(settings: Settings) -> LinearClassifier:
    """Open the classifier that the set-up trained."""
    return LinearClassifier.load(Built(settings).classifier)


def load_entities(settings: Settings) -> EntityFinder:
    """Open the finder of places and numbers, with the city's map."""
    return EntityFinder.load(settings.entity_formats, CityMap.load(settings.city_map))


def load_detector(settings: Settings) -> MixedTextDetector:
    """Open the language detector."""
    return MixedTextDetector(ProfileDetector.load(Built(settings).detector))


def load_knowledge_base(settings: Settings, encoder: Encoder) -> SectionSearch:
    """Open the knowledge base's index, which must be of this encoder."""
    index = load_index(Built(settings).index, encoder_version=encoder.version, dim=encoder.dim)
    return SectionSearch(index, no_answer=NoAnswerModel.load())


def build_service(settings: Settings, store: "SqlTriageStore") -> tuple[Pipeline, Watch]:
    """Return a pipeline with pinned notices, whose knowledge base follows its articles once the watch is started.

    Raises:
        SettingsError: If a file that a setting names is wrong.
        ModelError: If something built is damaged.
    """
    # Imported here: a message that is triaged without a store needs none of it.
    from kb.history import History
    from kb.notices import NoticeBoard
    from kb.pinning import contradicted

    encoder = load_encoder(settings)
    live = LiveSearch(load_knowledge_base(settings, encoder))
    folder = Built(settings).articles
    history = History(store.articles, folder)

    def stamp() -> Hashable:
        accepted = [one.id for one in store.articles.proposals(open_only=False) if one.accepted]
        return stamp_of(folder), tuple(accepted)

    watch = Watch(
        live,
        stamp=stamp,
        build=lambda: build_knowledge_base(settings, encoder, store),
        then=lambda: history.keep(by="articles folder"),
    )
    board = NoticeBoard(
        live,
        store.notices.active,
        encoder,
        against=lambda notice, vectors: contradicted(notice, vectors, live.snapshot),
    )
    return _learning(settings, store, build_pipeline(settings, encoder, board)), watch


def _learning(settings: Settings, store: "SqlTriageStore", pipeline: Pipeline) -> Pipeline:
    """Return the pipeline with the active model and the policy's cells, both as the store has them at any moment."""
    from triage.standing_cells import StandingCells

    parts = pipeline.parts
    registry = open_registry(settings, store, parts.taxonomy, parts.encoder.version)
    base = ThresholdPolicy(suggest_from=settings.min_probability)
    return Pipeline(
        replace(
            parts,
            classifier=LiveClassifier(parts.classifier, active=registry.active, open_model=registry.open),
            policy=CellPolicy(base, StandingCells(store.policy)),
        )
    )


def build_shadow(settings: Settings, store: "SqlTriageStore", pipeline: Pipeline) -> "ShadowWatch":
    """Return what lets the model in shadow, if one is set, predict beside the active one."""
    from models.registry import KIND
    from models.shadow import ShadowWatch

    parts = pipeline.parts
    registry = open_registry(settings, store, parts.taxonomy, parts.encoder.version)
    return ShadowWatch(store, KIND, parts.encoder, open_model=registry.open)


def open_registry(settings: Settings, store: "SqlTriageStore", types: Taxonomy, encoder_version: str) -> "Registry":
    """Open the registered models."""
    from models.registry import Registry

    return Registry(log=store.models, home=settings.home / "models", taxonomy=types, encoder=encoder_version)


def build_pipeline(
    settings: Settings, encoder: ListeningEncoder | None = None, kb: KnowledgeBase | None = None
) -> Pipeline:
    """Open everything that the set-up built and join it.

    Args:
        settings: Where it is.
        encoder: One that is open already.
        kb: A knowledge base that is open already; the index alone where None.

    Raises:
        SettingsError: If a file that a setting names is wrong.
        ModelError: If something built is damaged.
    """
    with _collector_at_rest():
        encoder, urgency, entities = encoder or load_encoder(settings), EvidenceRater.load(), load_entities(settings)
        return Pipeline(
            Parts(
                taxonomy=taxonomy.load(settings.taxonomy),
                tripwire=Tripwire.load(settings.safety_rules),
                danger=NoDanger() if settings.encoder else DangerModel.load(load_networks()),
                detector=load_detector(settings),
                entities=entities,
                encoder=encoder,
                classifier=load_default_classifier(settings),
                kind=urgency.kinds,
                urgency=urgency,
                kb=kb or load_knowledge_base(settings, encoder),
                translator=load_translator(settings, encoder, entities),
                policy=ThresholdPolicy(suggest_from=settings.min_probability),
            )
        )


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Keep the garbage collector from walking, over and over, what is being opened for good: a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def load_translator(settings: Settings, encoder: Encoder, entities: EntityFinder) -> GuardedTranslator:
    """Open every installed translation package, and the shipped ones for languages that have none installed."""
    packages = installed(SHIPPED) | installed(settings.packages_home)
    engines: dict[str, Engine] = {code: ArgosEngine.load(folder) for code, folder in packages.items()}

    def kept(text: str) -> list[tuple[int, int]]:
        return [(found.start, found.end) for found in entities.find(text) if found.kind not in TRANSLATED_KINDS]

    def cosines(sources: Sequence[str], english: Sequence[str], languages: Sequence[str]) -> Vectors:
        codes = [Language(code=code, probability=1.0) for code in languages]
        known: Vectors = encoder.encode(english, [Language(code="en", probability=1.0)] * len(english))
        similarities: Vectors = (encoder.encode(sources, codes) * known).sum(axis=1)
        return similarities

    return GuardedTranslator(
        engines,
        keep=kept,
        similarity=cosines if isinstance(encoder, MultilingualEncoder) else None,
        deadline_s=settings.translate_deadline_s,
    )


def load_calendar(settings: Settings) -> CityCalendar:
    """Read when the city works."""
    return calendar_file.load(settings.calendar)


def load_incident_rules(settings: Settings) -> IncidentRules:
    """Read what makes duplicates and surges."""
    return incidents.load(settings.incident_rules)


def open_database(settings: Settings, *, now: Callable[[], datetime] | None = None) -> "SqlTriageStore":
    """Open the store, making its folder and tables where they are missing; `now` tells the time it stamps by."""
    from triage.backends.planning import BackEndDispatch
    from triage.store import open_store
    from triage.store.resource import utc_now

    back_ends = load_back_ends(settings)
    settings.home.mkdir(parents=True, exist_ok=True)
    return open_store(
        settings.store_url, now=now or utc_now, dispatch=BackEndDispatch(back_ends) if back_ends else None
    )


def load_back_ends(settings: Settings) -> tuple[BackEnd, ...]:
    """Read the systems that are told of decisions, their secrets from the variables that the file names.

    Raises:
        SettingsError: Naming everything that is wrong with the file and its crosswalks.
    """
    if settings.back_ends is None:
        return ()
    codes = taxonomy.load(settings.taxonomy).codes
    return backend_settings.load(settings.back_ends, secret_of=os.environ.get, service_types=codes)


@contextmanager
def outbox_workers(settings: Settings, store: "SqlTriageStore") -> Iterator["tuple[OutboxWorker, ...]"]:
    """Give what sends deliveries: a worker for each back end, and one for mail; none where the city has named none."""
    back_ends, mail = load_back_ends(settings), _mail_workers(settings, store)
    if not back_ends:
        yield mail
        return
    # Imported here: the HTTP client is for those who have somebody to tell.
    from triage.backends.http import HttpClient
    from triage.backends.transports import workers

    with closing(HttpClient()) as exchange:
        mailer = _mail_server(settings)
        yield (*workers(back_ends, store, exchange, mailer=mailer, source=settings.public_url), *mail)


def _mail_workers(settings: Settings, store: "SqlTriageStore") -> "tuple[OutboxWorker, ...]":
    if settings.inbox is None:
        return ()
    from triage.mail_out import mail_workers

    return mail_workers(load_inbox(settings), store.outbox, store.mail_sends)


def reply_channels(settings: Settings) -> frozenset[Channel]:
    """Return the channels that agents' replies go back by: mail, where the city has set a server that it leaves by."""
    can_mail = settings.inbox is not None and load_inbox(settings).outgoing is not None
    return frozenset({Channel.EMAIL} if can_mail else ())


def _mail_server(settings: Settings) -> "MailServer | None":
    """Return the server that mail leaves by; None where the city has set none."""
    from triage.mail_out import MailServer

    outgoing = load_inbox(settings).outgoing if settings.inbox else None
    return MailServer(outgoing) if outgoing else None


def build_mail_folder(settings: Settings, store: "SqlTriageStore", folder: Path) -> "tuple[MailFolder, Watch]":
    """Return what takes the mails that are dropped into a folder, and what keeps its knowledge base up to date."""
    from kb.gap_notes import note_triages
    from triage.mail_folder import MailFolder
    from triage.mail_intake import MailIntake

    pipeline, watch = build_service(settings, store)
    intake = MailIntake(store, pipeline, lambda pairs: note_triages(store.gaps, pairs))
    return MailFolder(folder, intake, store), watch


def load_inbox(settings: Settings) -> "InboxSettings":
    """Read the mailboxes, their passwords from the variables that the file names.

    Raises:
        SettingsError: If there is no such file, or naming everything that is wrong with it.
    """
    # Imported here: reading IMAP is for the inbox alone.
    from triage import inbox_settings

    if settings.inbox is None:
        raise SettingsError("TRIAGE_INBOX must name the YAML file of the mailboxes, see docs/operations.md, got none")
    departments = {each.department for each in taxonomy.load(settings.taxonomy).service_types}
    return inbox_settings.load(settings.inbox, os.environ, departments)


def build_inbox(
    settings: Settings, store: "SqlTriageStore", pipeline: Pipeline
) -> "tuple[Inbox, tuple[OutboxWorker, ...]]":
    """Return what reads the mailboxes, and what sends their acknowledgments and forwards, if they have any."""
    from kb.gap_notes import note_triages
    from triage.inbox_running import Inbox
    from triage.inbox_worker import Desk
    from triage.mail_out import mail_workers

    mailboxes = load_inbox(settings)
    desk = Desk(
        mails=store.mails,
        triage=pipeline.triage,
        then=lambda message, triage: note_triages(store.gaps, [(message, triage)]),
    )
    return Inbox(mailboxes, desk), mail_workers(mailboxes, store.outbox, store.mail_sends)
