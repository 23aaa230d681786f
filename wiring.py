"""Settings from the environment, and the only place that chooses concrete classes."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Self

from kb.articles import Article, read_articles
from kb.index import build_index
from kb.index import load as load_index
from kb.no_answer import NoAnswerModel
from kb.search import SectionSearch
from models import conversion, datasets
from models.classifiers import LinearClassifier
from models.detector import ProfileDetector
from models.detector_build import FILE_NAME as DETECTOR_FILE
from models.detector_build import RULES as DETECTOR_RULES
from models.detector_build import WEIGHTS as DETECTOR_WEIGHTS
from models.detector_build import build_detector
from models.encoder import MiniLMEncoder
from models.translator import NoTranslator
from triage import taxonomy
from triage.entities import EntityFinder
from triage.errors import SettingsError
from triage.pipeline import Parts, Pipeline
from triage.policy import ThresholdPolicy
from triage.protocols import Encoder
from triage.safety import Tripwire
from triage.store import SqlTriageStore, open_store
from triage.urgency import EvidenceRater

Progress = Callable[[str, int, int], None]


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
        encoder: A sentence-transformers model, by folder or hub name; `TRIAGE_ENCODER`, the packaged one where None.
        data: Folder of public data that benchmarks and training of the weights read; `TRIAGE_DATA_DIR`.
        database_url: `sqlite:///FILE` or `postgresql://…`; `TRIAGE_DATABASE_URL`, SQLite in `home` where None.
        min_probability: Below it an agent is asked, in [0, 1]; `TRIAGE_MIN_PROBABILITY`.
        workers: Batches computed side by side, one thread each; `TRIAGE_WORKERS`.
        host: Where the service listens; `TRIAGE_HOST`.
        port: `TRIAGE_PORT`.
    """

    home: Path
    taxonomy: Path | None = None
    articles: Path | None = None
    messages: Path | None = None
    safety_rules: Path | None = None
    entity_formats: Path | None = None
    encoder: str | None = None
    data: Path | None = None
    database_url: str | None = None
    min_probability: float = 0.5
    workers: int = 2
    host: str = "127.0.0.1"
    port: int = 8311

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Self:
        """Read the settings.

        Raises:
            SettingsError: Naming every variable that is wrong, its value, and the rule.
        """
        reader = _Reader(os.environ if env is None else env)
        settings = cls(
            home=_absolute(reader.text("TRIAGE_HOME") or "~/.triage-311"),
            taxonomy=reader.existing("TRIAGE_TAXONOMY"),
            articles=reader.existing("TRIAGE_ARTICLES"),
            messages=reader.existing("TRIAGE_MESSAGES"),
            safety_rules=reader.existing("TRIAGE_SAFETY_RULES"),
            entity_formats=reader.existing("TRIAGE_ENTITY_FORMATS"),
            encoder=reader.text("TRIAGE_ENCODER"),
            data=reader.existing("TRIAGE_DATA_DIR"),
            database_url=reader.text("TRIAGE_DATABASE_URL"),
            min_probability=reader.number("TRIAGE_MIN_PROBABILITY", 0.5, 0, 1),
            workers=int(reader.number("TRIAGE_WORKERS", min(2, os.cpu_count() or 1), 1, 64, whole=True)),
            host=reader.text("TRIAGE_HOST") or "127.0.0.1",
            port=int(reader.number("TRIAGE_PORT", 8311, 1, 65_535, whole=True)),
        )
        reader.raise_problems()
        return settings

    @property
    def store_url(self) -> str:
        """Where contacts are kept."""
        return self.database_url or f"sqlite:///{self.home / 'triage.db'}"


def _absolute(value: str) -> Path:
    """Return the absolute path; `~` is the home folder, and itself where there is none."""
    return Path(os.path.expanduser(value)).absolute()


class _Reader:
    """Reads variables and gathers what is wrong with them."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._problems: list[str] = []

    def text(self, name: str) -> str | None:
        return self._env.get(name, "").strip() or None

    def existing(self, name: str) -> Path | None:
        value = self.text(name)
        if value is None:
            return None
        path = _absolute(value)
        if not path.exists():
            self._problems.append(f"{name} must name a file or folder that exists, got {value!r}")
        return path

    def number(self, name: str, default: float, low: float, high: float, *, whole: bool = False) -> float:
        value = self.text(name)
        if value is None:
            return default
        try:
            number = int(value) if whole else float(value)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            kind = "a whole number" if whole else "a number"
            self._problems.append(f"{name} must be {kind} in [{low:g}, {high:g}], got {value!r}")
            return default
        return number

    def raise_problems(self) -> None:
        if self._problems:
            raise SettingsError("\n".join(self._problems))


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
        return (self.encoder / "encoder.json").read_bytes()

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
        training.train_into(built.classifier, examples, encoder, training.DEFAULT, progress)
    if "index" in missing:
        progress("knowledge-base index", 0, 1)
        sources = built.index_sources
        build_index(load_articles(settings), encoder, built.index)
        built.index_note.write_text(sources, encoding="utf-8")
        progress("knowledge-base index", 1, 1)


def load_encoder(settings: Settings) -> MiniLMEncoder:
    """Open the converted encoder."""
    return MiniLMEncoder.load(Built(settings).encoder, workers=settings.workers)


def load_articles(settings: Settings) -> tuple[Article, ...]:
    """Read the knowledge base's articles."""
    return read_articles(Built(settings).articles)


def load_detector(settings: Settings) -> ProfileDetector:
    """Open the language detector."""
    return ProfileDetector.load(Built(settings).detector)


def load_knowledge_base(settings: Settings, encoder: Encoder) -> SectionSearch:
    """Open the knowledge base's index, which must be of this encoder."""
    index = load_index(Built(settings).index, encoder_version=encoder.version)
    return SectionSearch(index, no_answer=NoAnswerModel.load())


def build_pipeline(settings: Settings) -> Pipeline:
    """Open everything that the set-up built and join it.

    Raises:
        SettingsError: If a file that a setting names is wrong.
        ModelError: If something built is damaged.
    """
    built = Built(settings)
    encoder, urgency = load_encoder(settings), EvidenceRater.load()
    return Pipeline(
        Parts(
            taxonomy=taxonomy.load(settings.taxonomy),
            tripwire=Tripwire.load(settings.safety_rules),
            detector=load_detector(settings),
            entities=EntityFinder.load(settings.entity_formats),
            encoder=encoder,
            classifier=LinearClassifier.load(built.classifier),
            kind=urgency.kinds,
            urgency=urgency,
            kb=load_knowledge_base(settings, encoder),
            translator=NoTranslator(),
            policy=ThresholdPolicy(suggest_from=settings.min_probability),
        )
    )


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
