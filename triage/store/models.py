"""Which models are registered, which one is active and which only looks on, and where that one says otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, insert, select

from triage.errors import NotFound
from triage.store.database import insert_ignoring
from triage.store.documents import json_object, to_json
from triage.store.events import EventKind, publish
from triage.store.resource import Resource
from triage.store.schema import contacts, triages
from triage.store.schema_learning import activations, disagreements, models


class ModelRole(StrEnum):
    """What a registered model does."""

    ACTIVE = "active"
    SHADOW = "shadow"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    """A registered model.

    Attributes:
        id: Names it for good.
        kind: What it is for, such as `classifier`.
        folder: Where its files are.
        digest: Of its files.
        meta: Its meta.json.
        registered_by: Who registered it.
        created_at: When.
    """

    id: str
    kind: str
    folder: str
    digest: bytes
    meta: Mapping[str, Any]
    registered_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """A role that a model was given; `forced` where it was given against the measurements, for `reason`."""

    id: int
    model_id: str
    kind: str
    role: ModelRole
    activated_by: str
    reason: str | None
    forced: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """An answer for which a candidate would have given another label than the active model."""

    triage_id: int
    candidate: str
    active_label: str
    active_probability: float
    candidate_label: str
    candidate_probability: float


class ModelLog(Resource):
    """Models and their roles over time; at most one model of a kind is active, and at most one looks on."""

    def register(self, *, id: str, kind: str, folder: str, digest: bytes, meta: Mapping[str, Any], by: str) -> None:
        """Register a model; one that is registered stays as it is.

        Raises:
            ValueError: If another model has that name.
        """
        row = {
            "id": id,
            "kind": kind,
            "folder": folder,
            "digest": digest,
            "meta": to_json(meta),
            "registered_by": by,
            "created_at": self._now(),
        }
        with self._database.writing() as connection:
            connection.execute(insert_ignoring(self._database.dialect, models, "id"), row)
            if _model_of(connection, id).digest != digest:
                raise ValueError(f"another model is registered as {id}: choose another name")

    def list(self) -> tuple[StoredModel, ...]:
        """Return every model, the one registered last first; ties go by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(models).order_by(models.c.created_at.desc(), models.c.id))
            return tuple(_model(row) for row in rows)

    def activate(
        self,
        model_id: str,
        by: str,
        *,
        role: ModelRole = ModelRole.ACTIVE,
        reason: str | None = None,
        forced: bool = False,
    ) -> None:
        """Give a model a role; whichever had it has it no more.

        Raises:
            NotFound: If no model has that name.
            ValueError: If it is forced without a reason.
        """
        if forced and not reason:
            raise ValueError("a model that is forced needs a reason")
        with self._database.writing() as connection:
            _give(connection, model_id, role, by, reason=reason, forced=forced, now=self._now())

    def go_back(self, model_id: str, before: str | None, by: str) -> None:
        """Retire the active model and let the one before answer in the same moment; None is no registered one.

        Raises:
            NotFound: If no model has that name.
        """
        now = self._now()
        with self._database.writing() as connection:
            left = f"rolled back to {before or 'the default model'}"
            _give(connection, model_id, ModelRole.RETIRED, by, reason=left, now=now)
            if before is not None:
                _give(connection, before, ModelRole.ACTIVE, by, reason=f"rolled back from {model_id}", now=now)

    def current(self, kind: str, role: ModelRole = ModelRole.ACTIVE) -> StoredModel | None:
        """Return the model of a kind that has a role now; None where none has."""
        given = _holders(self.history(kind), role)
        return self.of(given[0]) if given else None

    def previous(self, kind: str) -> StoredModel | None:
        """Return the model that was active before the active one, to go back to; None where there was none.

        A model that was rolled back from is none to go back to, unless it was activated again since.
        """
        stood = _stood(self.history(kind))
        return self.of(stood[-2]) if len(stood) > 1 else None

    def of(self, model_id: str) -> StoredModel:
        """Return one model.

        Raises:
            NotFound: If none has that name.
        """
        with self._database.reading() as connection:
            return _model_of(connection, model_id)

    def history(self, kind: str) -> tuple[Activation, ...]:
        """Return the roles that models of a kind were given, newest first."""
        statement = select(activations).where(activations.c.kind == kind).order_by(activations.c.id.desc())
        with self._database.reading() as connection:
            return tuple(_activation(row) for row in connection.execute(statement))

    def disagree(self, found: Sequence[Disagreement]) -> None:
        """Store where a candidate says otherwise; once for each answer and candidate.

        Raises:
            NotFound: If an answer is not stored.
        """
        with self._database.writing() as connection:
            rows = [_disagreement_row(connection, each, self._now()) for each in found]
            if rows:
                unique = ("triage_id", "candidate")
                connection.execute(insert_ignoring(self._database.dialect, disagreements, *unique), rows)

    def disagreements(self, candidate: str, limit: int = 100) -> tuple[tuple[str, Disagreement], ...]:
        """Return message ids with what a candidate would have said, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(_disagreements(candidate, limit)).all()
        return tuple((row.message_id, _disagreement(row)) for row in rows)


def _holders(history: Sequence[Activation], role: ModelRole) -> list[str]:
    """Return the model that has a role, if one has: the last that was given it, unless it got another since."""
    latest: dict[str, ModelRole] = {}
    for given in history:
        latest.setdefault(given.model_id, given.role)
    last = next((given.model_id for given in history if given.role is role), None)
    return [last] if last is not None and latest[last] is role else []


def _stood(history: Sequence[Activation]) -> list[str]:
    """Return the models that were activated one after the other, the active one last, without those that were left."""
    stood: list[str] = []
    for given in reversed(history):
        if stood and given.model_id == stood[-1]:
            if given.role is not ModelRole.ACTIVE:
                stood.pop()
        elif given.role is ModelRole.ACTIVE:
            stood.append(given.model_id)
    return stood


def _give(
    connection: Connection,
    model_id: str,
    role: ModelRole,
    by: str,
    *,
    reason: str | None,
    now: datetime,
    forced: bool = False,
) -> None:
    row = {
        "model_id": model_id,
        "kind": _model_of(connection, model_id).kind,
        "role": role.value,
        "activated_by": by,
        "reason": reason,
        "forced": forced,
        "created_at": now,
    }
    connection.execute(insert(activations).values(row))
    publish(connection, [(EventKind.MODEL, None, {"model": model_id, "role": role.value})], now)


def _model_of(connection: Connection, model_id: str) -> StoredModel:
    row = connection.execute(select(models).where(models.c.id == model_id)).one_or_none()
    if row is None:
        raise NotFound(f"no model is registered as {model_id}: triage model list shows them")
    return _model(row)


def _model(row: Row[Any]) -> StoredModel:
    return StoredModel(
        id=row.id,
        kind=row.kind,
        folder=row.folder,
        digest=bytes(row.digest),
        meta=json_object(row.meta),
        registered_by=row.registered_by,
        created_at=row.created_at,
    )


def _activation(row: Row[Any]) -> Activation:
    return Activation(
        id=row.id,
        model_id=row.model_id,
        kind=row.kind,
        role=ModelRole(row.role),
        activated_by=row.activated_by,
        reason=row.reason,
        forced=row.forced,
        created_at=row.created_at,
    )


def _disagreement_row(connection: Connection, found: Disagreement, now: datetime) -> dict[str, Any]:
    statement = select(triages.c.contact_id).where(triages.c.id == found.triage_id)
    contact_id = connection.execute(statement).scalar_one_or_none()
    if contact_id is None:
        raise NotFound(f"no triage has the number {found.triage_id}")
    return {
        "triage_id": found.triage_id,
        "contact_id": contact_id,
        "candidate": found.candidate,
        "active_label": found.active_label,
        "active_probability": found.active_probability,
        "candidate_label": found.candidate_label,
        "candidate_probability": found.candidate_probability,
        "created_at": now,
    }


def _disagreements(candidate: str, limit: int) -> Select[Any]:
    of_contact = and_(contacts.c.id == disagreements.c.contact_id, disagreements.c.candidate == candidate)
    statement = select(disagreements, contacts.c.message_id).join(contacts, of_contact)
    return statement.order_by(disagreements.c.id.desc()).limit(limit)


def _disagreement(row: Row[Any]) -> Disagreement:
    return Disagreement(
        triage_id=row.triage_id,
        candidate=row.candidate,
        active_label=row.active_label,
        active_probability=row.active_probability,
        candidate_label=row.candidate_label,
        candidate_probability=row.candidate_probability,
    )
