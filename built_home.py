"""Where under its home the set-up keeps what it builds, and what of it is still to be built."""

from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from city_settings import Settings
from kb.snapshots import FORMAT as INDEX_FORMAT
from models import conversion, datasets
from models.detector_build import FILE_NAME as DETECTOR_FILE
from models.detector_build import RULES as DETECTOR_RULES
from models.detector_build import WEIGHTS as DETECTOR_WEIGHTS
from models.encoder import STUDENT


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
        return _digest([*_contents(self.articles), self._encoder_version, INDEX_FORMAT.encode()])

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


def _contents(path: Path) -> list[bytes]:
    """Return the names and contents of a file or of all files below a folder, in order of their names."""
    found = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    return [part for file in found for part in (file.name.encode(), file.read_bytes())]


def _digest(parts: list[bytes]) -> str:
    return sha256(b"\0".join(parts)).hexdigest()[:16]


def _folder_name(source: str) -> str:
    plain = "".join(character if character.isalnum() or character in "-._" else "-" for character in source)
    return plain.strip("-.")[-80:]
