"""Registered models: folders under the city's home, their roles kept in the store."""

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from filecmp import cmp
from pathlib import Path
from typing import Any

from models.classifiers import LinearClassifier
from models.training import digest_of_weights
from triage.errors import ModelError, NotFound
from triage.store.models import ModelLog, ModelRole, StoredModel
from triage.taxonomy import Taxonomy

KIND = "classifier"
DEFAULT = "default"  # the model that the set-up trained


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Keeps models and says which one answers.

    Attributes:
        log: Where roles are kept.
        home: Folder that new models are copied into, one folder each.
        taxonomy: The city's service types.
        encoder: Version of the encoder in use.
    """

    log: ModelLog
    home: Path
    taxonomy: Taxonomy
    encoder: str

    def register(self, source: Path, by: str) -> str:
        """Copy a folder that `model train` wrote and return its id, its version; the same model again is no other.

        A copy that has lost something or was changed since is replaced.

        Raises:
            ModelError: If it is no model, or another one has that version.
        """
        meta = read_meta(source)
        LinearClassifier.load(source)
        _check_digest(source, meta)
        model_id = str(meta["version"])
        digest = hashlib.sha256((source / "meta.json").read_bytes()).digest()
        if any(each.id == model_id and each.digest != digest for each in self.log.list()):
            raise ModelError(f"another model is registered as {model_id}; train with another seed or other data")
        target = self.home / model_id
        self.home.mkdir(parents=True, exist_ok=True)
        if not _holds(target, source):
            _put(source, target)
        self.log.register(id=model_id, kind=KIND, folder=str(target.absolute()), digest=digest, meta=meta, by=by)
        return model_id

    def open(self, model_id: str) -> LinearClassifier:
        """Open a registered model that fits this service.

        Raises:
            NotFound: If none has that id.
            ModelError: If its taxonomy, its encoder or its files do not match; says which.
        """
        stored = self.log.of(model_id)
        self._check(stored)
        return LinearClassifier.load(Path(stored.folder))

    def card(self, model_id: str) -> str:
        """Return a model's card, Markdown.

        Raises:
            NotFound: If none has that id.
            ModelError: If its file is gone.
        """
        path = Path(self.log.of(model_id).folder) / "card.md"
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise ModelError(f"the card of {model_id} cannot be read ({error}); register the model again") from error

    def activate(self, model_id: str, by: str, *, reason: str | None = None, forced: bool = False) -> None:
        """Let a model answer, from the service's next look at the store on.

        Raises:
            NotFound: If none has that id.
            ModelError: If it does not fit this service.
        """
        self.open(model_id)
        self.log.activate(model_id, by, reason=reason, forced=forced)

    def shadow(self, model_id: str, by: str) -> None:
        """Let a model predict beside the active one; raises as `activate` does, and where it is the active one."""
        self.open(model_id)
        if model_id == self.active():
            raise ModelError(f"{model_id} is active: it has nothing to disagree with; shadow another model")
        self.log.activate(model_id, by, role=ModelRole.SHADOW)

    def end_shadow(self, by: str) -> str:
        """Let the model in shadow look on no more, and return its id; what it said is kept.

        Raises:
            NotFound: If no model is in shadow.
        """
        candidate = self.candidate()
        if candidate is None:
            raise NotFound("no model is in shadow")
        self.log.activate(candidate, by, role=ModelRole.RETIRED, reason="shadow ended")
        return candidate

    def rollback(self, by: str) -> str | None:
        """Go back to the model that was active before; None is the one that the set-up trained.

        Raises:
            NotFound: If no registered model is active.
            ModelError: If the one before does not fit this service any more.
        """
        active = self.log.current(KIND)
        if active is None:
            raise NotFound("no registered model is active: there is nothing to go back from")
        before = self.log.previous(KIND)
        if before is not None:
            self.open(before.id)
        self.log.go_back(active.id, before.id if before else None, by)
        return before.id if before else None

    def active(self) -> str | None:
        """Return the id of the active model; None is the one that the set-up trained."""
        stored = self.log.current(KIND)
        return stored.id if stored else None

    @property
    def standing(self) -> str:
        """Name of the model that answers: its id, or DEFAULT."""
        return self.active() or DEFAULT

    def candidate(self) -> str | None:
        """Return the id of the model that predicts beside the active one."""
        stored = self.log.current(KIND, ModelRole.SHADOW)
        return stored.id if stored else None

    def _check(self, stored: StoredModel) -> None:
        folder = Path(stored.folder)
        meta = read_meta(folder)
        if hashlib.sha256((folder / "meta.json").read_bytes()).digest() != stored.digest:
            raise ModelError(f"model {stored.id}: meta.json is not the one that was registered; register it again")
        _check_digest(folder, meta)
        if "own_encoder" in meta:
            raise ModelError(
                f"model {stored.id} was trained on vectors of {meta['encoder']}, an encoder of its own, which would "
                "read every message a second time: it can be measured (triage model evaluate), not activated; train "
                "it without --finetune"
            )
        check_encoder(meta, self.encoder)
        foreign = sorted(set(meta["labels"]) - set(self.taxonomy.codes))
        if foreign:
            raise ModelError(
                f"model {stored.id} has {len(foreign)} labels that taxonomy {self.taxonomy.version} has not "
                f"({', '.join(foreign[:3])}, …; trained on {meta['taxonomy'] or 'labels of its own'}); train it again"
            )


def read_meta(folder: Path) -> dict[str, Any]:
    """Return the facts of a model's meta.json.

    Raises:
        ModelError: If the file is missing or damaged.
    """
    try:
        meta: dict[str, Any] = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        missing = [name for name in ("version", "labels", "encoder", "taxonomy", "weights") if name not in meta]
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{folder} is no model ({error}); triage model train writes one") from error
    if missing:
        raise ModelError(f"{folder / 'meta.json'} has no {', '.join(missing)}; train the model again")
    return meta


def check_encoder(meta: dict[str, Any], encoder: str) -> None:
    """Raise a ModelError where a model was trained on the vectors of another encoder than the one in use."""
    if meta["encoder"] != encoder:
        raise ModelError(
            f"model {meta['version']} was trained on vectors of {meta['encoder']}, this service encodes with "
            f"{encoder}; train it again"
        )


def _holds(target: Path, source: Path) -> bool:
    """Tell whether every file of the source stands in the target unchanged."""
    files = [path.relative_to(source) for path in source.rglob("*") if path.is_file()]
    return all((target / each).is_file() and cmp(target / each, source / each, shallow=False) for each in files)


def _put(source: Path, target: Path) -> None:
    """Copy a folder to a place where it appears whole, instead of what stands there."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".registering-") as scratch:
        shutil.copytree(source, Path(scratch) / "model")
        if target.exists():
            target.rename(Path(scratch) / "old")
        (Path(scratch) / "model").rename(target)


def _check_digest(folder: Path, meta: dict[str, Any]) -> None:
    try:
        found = digest_of_weights(folder)
    except OSError as error:
        raise ModelError(f"a file of the model in {folder} is missing ({error}); register it again") from error
    if found != meta["weights"]:
        raise ModelError(f"the weights in {folder} are not those of its meta.json (hash {found[:12]}…); train it again")
