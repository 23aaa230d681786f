"""Settings from the environment, and the only place that chooses concrete classes."""

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Self

from kb.articles import Article, read_articles
from kb.building import build_index
from kb.live import LiveSearch, Watch, stamp_of
from kb.no_answer import NoAnswerModel
from kb.search import SectionSearch
from kb.snapshots import load as load_index
from kb.wordings import with_accepted
from models import conversion, datasets
from models.classifiers import LinearClassifier
from models.danger import DangerModel, NoDanger
from models.detector import ProfileDetector
from models.detector_build import FILE_NAME as DETECTOR_FILE
from models.detector_build import RULES as DETECTOR_RULES
from models.detector_build import WEIGHTS as DETECTOR_WEIGHTS
from models.detector_build import build_detector
from models.encoder import STUDENT, MiniLMEncoder, MultilingualEncoder
from models.fitting import DEFAULT
from models.registry import Registry
from models.serving import LiveClassifier
from models.translation_engines import APERTIUM, OFFICIAL_INDEX, ApertiumEngine, ArgosEngine, installed
from models.translator import Engine, GuardedTranslator
from triage import calendar_file, incidents, taxonomy
from triage.access import Role
from triage.calendar import CityCalendar
from triage.cells import CellPolicy
from triage.channels.settings import ChannelSettings
from triage.entities import EntityFinder
from triage.identity import IdentityProvider
from triage.incidents import IncidentRules
from triage.pipeline import Parts, Pipeline
from triage.policy import ThresholdPolicy
from triage.protocols import Encoder, KnowledgeBase
from triage.safety import Tripwire
from triage.standing_cells import StandingCells
from triage.store import SqlTriageStore, open_store
from triage.taxonomy import Taxonomy
from triage.types import EntityKind, Language, Vectors
from triage.urgency import EvidenceRater
from triage.variables import VariableReader, absolute

Progress = Callable[[str, int, int], None]
TRANSLATED_KINDS = frozenset({EntityKind.LANDMARK, EntityKind.DATE})  # every other entity survives as it stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that a city may set, read once at start.

    Attributes:
        home: Folder for what the set-up builds and for the database; `TRIAGE_HOME`.
        taxonomy: YAML file of service types; `TRIAGE_TAXONOMY`, the shipped one where None.
        articles: Folder of knowledge-base articles; `TRIAGE_ARTICLES`, the starter ones where None.
        messages: Labelled messages of the default classifier; `TRIAGE_MESSAGES`, the shipped ones where None.
        safety_rules: YAML file of rules added to the tripwire, none can be taken away; `TRIAGE_SAFETY_RULES`.
        entity_formats: YAML file of the city's number formats; `TRIAGE_ENTITY_FORMATS`, the shipped one where None.
        calendar: YAML file of zone, office hours and holidays; `TRIAGE_CALENDAR`, the shipped one where None.
        incident_rules: YAML file of what makes duplicates and surges; `TRIAGE_INCIDENTS`, the shipped one where None.
        encoder: A sentence-transformers model, by folder or hub name; `TRIAGE_ENCODER`, the packaged one where None.
        package_index: Where translation packages come from, URL or folder; `TRIAGE_PACKAGE_INDEX`.
        translate_deadline_s: Seconds after which a translation is not waited for; `TRIAGE_TRANSLATE_DEADLINE_S`.
        data: Folder of public data that benchmarks and training of the weights read; `TRIAGE_DATA_DIR`.
        database_url: `sqlite:///FILE` or `postgresql://…`; `TRIAGE_DATABASE_URL`, SQLite in `home` where None.
        min_probability: Below it an agent is asked, in [0, 1]; `TRIAGE_MIN_PROBABILITY`.
        workers: Batches computed side by side, one thread each; `TRIAGE_WORKERS`.
        host: Where the service listens; `TRIAGE_HOST`.
        port: `TRIAGE_PORT`.
        access: `local`: on loopback, without an identity provider, whoever sits at this machine is the local agent;
            `required`: everyone signs in or sends a key; `TRIAGE_ACCESS`.
        rate_limit: Requests that one key or session may send, in this process; `TRIAGE_RATE_LIMIT`.
        public_url: Where browsers reach the service; `TRIAGE_PUBLIC_URL`.
        oidc_issuer: URL of the city's identity provider; `TRIAGE_OIDC_ISSUER`.
        oidc_client_id: This service's name there; `TRIAGE_OIDC_CLIENT_ID`.
        oidc_client_secret: What proves it; `TRIAGE_OIDC_CLIENT_SECRET`.
        oidc_groups: The role of each group there, as `311-agents=agent; 311-leads=lead`; `TRIAGE_OIDC_GROUPS`.
        oidc_groups_claim: The claim that lists a person's groups; `TRIAGE_OIDC_GROUPS_CLAIM`.
        session_secret: Signs the session cookie, 32 characters or more; `TRIAGE_SESSION_SECRET`.
        log_level: The least grave lines that are logged; `TRIAGE_LOG_LEVEL`.
        channels: The jurisdiction of Open311, `TRIAGE_JURISDICTION`, and the secrets of webhooks; a hook without one is
            closed: TRIAGE_ZENDESK_SECRET, TRIAGE_TWILIO_TOKEN, TRIAGE_INBOUND_MAIL_SECRET, TRIAGE_TEAMS_SECRET,
            TRIAGE_HOOK_SECRET.
        otlp_endpoint: Where traces go (OTLP over HTTP), nowhere where None; `TRIAGE_OTLP_ENDPOINT`.
    """

    home: Path
    taxonomy: Path | None = None
    articles: Path | None = None
    messages: Path | None = None
    safety_rules: Path | None = None
    entity_formats: Path | None = None
    calendar: Path | None = None
    incident_rules: Path | None = None
    encoder: str | None = None
    package_index: str = OFFICIAL_INDEX
    translate_deadline_s: float = 10.0
    data: Path | None = None
    database_url: str | None = None
    min_probability: float = 0.5
    workers: int = 2
    host: str = "127.0.0.1"
    port: int = 8311
    access: str = "local"
    rate_limit: str = "1200/minute"
    public_url: str | None = None
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = field(default=None, repr=False)
    oidc_groups: Mapping[str, Role] = field(default_factory=dict)
    oidc_groups_claim: str = "groups"
    session_secret: str | None = field(default=None, repr=False)
    log_level: str = "INFO"
    otlp_endpoint: str | None = None
    channels: ChannelSettings = field(default_factory=ChannelSettings)

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Self:
        """Read the settings.

        Raises:
            SettingsError: Naming every variable that is wrong, its value, and the rule.
        """
        reader = VariableReader(os.environ if env is None else env)
        public_url = reader.url("TRIAGE_PUBLIC_URL")
        settings = cls(
            home=absolute(reader.text("TRIAGE_HOME") or "~/.triage-311"),
            taxonomy=reader.existing("TRIAGE_TAXONOMY"),
            articles=reader.existing("TRIAGE_ARTICLES"),
            messages=reader.existing("TRIAGE_MESSAGES"),
            safety_rules=reader.existing("TRIAGE_SAFETY_RULES"),
            entity_formats=reader.existing("TRIAGE_ENTITY_FORMATS"),
            calendar=reader.existing("TRIAGE_CALENDAR"),
            incident_rules=reader.existing("TRIAGE_INCIDENTS"),
            encoder=reader.text("TRIAGE_ENCODER"),
            package_index=reader.text("TRIAGE_PACKAGE_INDEX") or OFFICIAL_INDEX,
            translate_deadline_s=reader.number("TRIAGE_TRANSLATE_DEADLINE_S", 10, 0.1, 600),
            data=reader.existing("TRIAGE_DATA_DIR"),
            database_url=reader.text("TRIAGE_DATABASE_URL"),
            min_probability=reader.number("TRIAGE_MIN_PROBABILITY", 0.5, 0, 1),
            workers=int(reader.number("TRIAGE_WORKERS", min(2, os.cpu_count() or 1), 1, 64, whole=True)),
            host=reader.text("TRIAGE_HOST") or "127.0.0.1",
            port=int(reader.number("TRIAGE_PORT", 8311, 1, 65_535, whole=True)),
            access=reader.choice("TRIAGE_ACCESS", "local", ("local", "required")),
            rate_limit=reader.rate("TRIAGE_RATE_LIMIT", "1200/minute"),
            public_url=public_url,
            oidc_issuer=reader.url("TRIAGE_OIDC_ISSUER"),
            oidc_client_id=reader.text("TRIAGE_OIDC_CLIENT_ID"),
            oidc_client_secret=reader.text("TRIAGE_OIDC_CLIENT_SECRET"),
            oidc_groups=reader.roles("TRIAGE_OIDC_GROUPS"),
            oidc_groups_claim=reader.text("TRIAGE_OIDC_GROUPS_CLAIM") or "groups",
            session_secret=reader.secret("TRIAGE_SESSION_SECRET", 32),
            log_level=reader.choice("TRIAGE_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
            otlp_endpoint=reader.url("TRIAGE_OTLP_ENDPOINT"),
            channels=ChannelSettings(
                jurisdiction=reader.text("TRIAGE_JURISDICTION"),
                public_url=public_url,
                zendesk_secret=reader.secret("TRIAGE_ZENDESK_SECRET", 16),
                twilio_token=reader.secret("TRIAGE_TWILIO_TOKEN", 16),
                inbound_mail_secret=reader.secret("TRIAGE_INBOUND_MAIL_SECRET", 16),
                chat_secret=reader.secret("TRIAGE_TEAMS_SECRET", 16),
                generic_secret=reader.secret("TRIAGE_HOOK_SECRET", 16),
            ),
        )
        if settings.oidc_issuer:
            reader.need_with(
                "TRIAGE_OIDC_ISSUER",
                "TRIAGE_OIDC_CLIENT_ID",
                "TRIAGE_OIDC_CLIENT_SECRET",
                "TRIAGE_OIDC_GROUPS",
                "TRIAGE_PUBLIC_URL",
                "TRIAGE_SESSION_SECRET",
            )
        reader.raise_problems()
        return settings

    @property
    def store_url(self) -> str:
        """Where contacts are kept."""
        return self.database_url or f"sqlite:///{self.home / 'triage.db'}"

    @property
    def packages_home(self) -> Path:
        """Where translation packages are installed."""
        return self.home / "translation"

    @property
    def identity_provider(self) -> IdentityProvider | None:
        """Where people sign in; None where the city has set none."""
        if self.oidc_issuer is None:
            return None
        return IdentityProvider(
            issuer=self.oidc_issuer,
            client_id=self.oidc_client_id or "",
            client_secret=self.oidc_client_secret or "",
            roles=self.oidc_groups,
            groups_claim=self.oidc_groups_claim,
            public_url=self.public_url or "",
            session_secret=self.session_secret or "",
        )


class Built:
    """What the set-up builds under `home`, each in a folder whose name changes with what it is built from."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    def detector(self) -> Path:
        """Tables of the language detector."""
        return (
            self.settings.home
            / "detector"
            / _digest([*_contents(DETECTOR_WEIGHTS), bytes([DETECTOR_RULES])])
            / DETECTOR_FILE
        )

    @property
    def encoder(self) -> Path:
        """Converted encoder; exists before `classifier` and `index` can be named."""
        source = self.settings.encoder or f"{conversion.PACKAGE}-{conversion.PUBLISHED_SHA256[:8]}"
        return self.settings.home / "encoder" / _folder_name(source)

    @property
    def classifier(self) -> Path:
        """Trained default classifier."""
        data = self.settings.messages or datasets.default_data()
        return self.settings.home / "classifier" / _digest([*_contents(data), self._encoder_version])

    @property
    def index(self) -> Path:
        """Index of the knowledge base; built further, not anew, when articles change."""
        return self.settings.home / "kb"

    @property
    def index_sources(self) -> str:
        """Digest of what the index has to be built from."""
        return _digest([*_contents(self.articles), self._encoder_version])

    @property
    def index_note(self) -> Path:
        """File that says what the index was built from."""
        return self.index / "SOURCES"

    @property
    def articles(self) -> Path:
        """Folder of the articles."""
        return self.settings.articles or Path(str(files("kb") / "starter"))

    @property
    def _encoder_version(self) -> bytes:
        english = (self.encoder / "encoder.json").read_bytes()
        return english if self.settings.encoder else english + (STUDENT / "encoder.json").read_bytes()

    def missing(self) -> tuple[str, ...]:
        """Return what has still to be built, in building order."""
        if not self.encoder.exists():
            return ("encoder", *(() if self.detector.exists() else ("detector",)), "classifier", "index")
        ready = {
            "detector": self.detector.exists(),
            "classifier": self.classifier.exists(),
            "index": self.index_note.exists() and self.index_note.read_text("utf-8") == self.index_sources,
        }
        return tuple(name for name, is_ready in ready.items() if not is_ready)


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
    english = MiniLMEncoder.load(Built(settings).encoder, workers=settings.workers)
    if settings.encoder:
        return english
    return MultilingualEncoder(english, MiniLMEncoder.load(STUDENT, workers=settings.workers))


def load_articles(settings: Settings) -> tuple[Article, ...]:
    """Read the knowledge base's articles."""
    return read_articles(Built(settings).articles)


def indexed_articles(settings: Settings, store: SqlTriageStore) -> tuple[Article, ...]:
    """Return the articles with the residents' wordings that were accepted as their aliases."""
    return with_accepted(load_articles(settings), store.articles.proposals(open_only=False))


def build_knowledge_base(settings: Settings, encoder: Encoder, store: SqlTriageStore) -> SectionSearch:
    """Bring the index up to date beside the one that is there, and open it from its files, which are verified."""
    built = Built(settings)
    sources = built.index_sources
    build_index(indexed_articles(settings, store), encoder, built.index)
    built.index_note.write_text(sources, encoding="utf-8")
    return load_knowledge_base(settings, encoder)


def keep_versions(settings: Settings, store: SqlTriageStore) -> None:
    """Keep what every article says now, where that is new."""
    from kb.history import History

    History(store.articles, Built(settings).articles).keep(by="articles folder")


def load_default_classifier(settings: Settings) -> LinearClassifier:
    """Open the classifier that the set-up trained."""
    return LinearClassifier.load(Built(settings).classifier)


def load_entities(settings: Settings) -> EntityFinder:
    """Open the finder of places and numbers."""
    return EntityFinder.load(settings.entity_formats)


def load_detector(settings: Settings) -> ProfileDetector:
    """Open the language detector."""
    return ProfileDetector.load(Built(settings).detector)


def load_knowledge_base(settings: Settings, encoder: Encoder) -> SectionSearch:
    """Open the knowledge base's index, which must be of this encoder."""
    index = load_index(Built(settings).index, encoder_version=encoder.version, dim=encoder.dim)
    return SectionSearch(index, no_answer=NoAnswerModel.load())


def build_service(settings: Settings, store: SqlTriageStore) -> tuple[Pipeline, Watch]:
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


def _learning(settings: Settings, store: SqlTriageStore, pipeline: Pipeline) -> Pipeline:
    """Return the pipeline with the active model and the policy's cells, both as the store has them at any moment."""
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


def open_registry(settings: Settings, store: SqlTriageStore, types: Taxonomy, encoder_version: str) -> Registry:
    """Open the registered models."""
    return Registry(log=store.models, home=settings.home / "models", taxonomy=types, encoder=encoder_version)


def build_pipeline(settings: Settings, encoder: Encoder | None = None, kb: KnowledgeBase | None = None) -> Pipeline:
    """Open everything that the set-up built and join it.

    Args:
        settings: Where it is.
        encoder: One that is open already.
        kb: A knowledge base that is open already; the index alone where None.

    Raises:
        SettingsError: If a file that a setting names is wrong.
        ModelError: If something built is damaged.
    """
    encoder, urgency, entities = encoder or load_encoder(settings), EvidenceRater.load(), load_entities(settings)
    return Pipeline(
        Parts(
            taxonomy=taxonomy.load(settings.taxonomy),
            tripwire=Tripwire.load(settings.safety_rules),
            danger=NoDanger() if settings.encoder else DangerModel.load(),
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


def load_translator(settings: Settings, encoder: Encoder, entities: EntityFinder) -> GuardedTranslator:
    """Open every installed translation package, and Apertium for languages that have none and that it serves."""
    packages = installed(settings.packages_home)
    engines: dict[str, Engine] = {code: ArgosEngine.load(folder) for code, folder in packages.items()}
    for code in APERTIUM.keys() - engines.keys():
        engine = ApertiumEngine.for_language(code)
        if engine is not None:
            engines[code] = engine

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


def open_database(settings: Settings) -> SqlTriageStore:
    """Open the store, making its folder and tables where they are missing."""
    settings.home.mkdir(parents=True, exist_ok=True)
    return open_store(settings.store_url)


def _contents(path: Path) -> list[bytes]:
    """Return the names and contents of a file or of all files below a folder, in order of their names."""
    found = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    return [part for file in found for part in (file.name.encode(), file.read_bytes())]


def _digest(parts: list[bytes]) -> str:
    return sha256(b"\0".join(parts)).hexdigest()[:16]


def _folder_name(source: str) -> str:
    plain = "".join(character if character.isalnum() or character in "-._" else "-" for character in source)
    return plain.strip("-.")[-80:]
