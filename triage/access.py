"""Who may do what: one plain table from roles to rights, and the person or program behind a request.

A route asks for a right, never for a role; a city that deals its work out differently changes the table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from triage.errors import DataError


class Role(StrEnum):
    """What someone is at the contact center, as the identity provider's groups or a key say."""

    AGENT = "agent"
    LEAD = "lead"
    KB_EDITOR = "kb-editor"
    ANALYST = "analyst"
    ADMIN = "admin"
    AUDITOR = "auditor"
    SERVICE = "service"


class Right(StrEnum):
    """What a route may ask for; also what the scopes of a key are."""

    TRIAGE = "triage"  # send messages, have them triaged and stored
    CONTACTS_READ = "contacts:read"  # read what residents wrote, the answers to it and the live updates
    DECIDE = "decide"  # accept, override, use an answer, reroute, close; feedback on answers
    NOTICES = "notices"  # post and take down service notices
    LABEL = "label"  # label messages for training
    KB_READ = "kb:read"  # search the knowledge base, read service types and notices
    KB_WRITE = "kb:write"  # edit articles, work through gaps
    MODELS_READ = "models:read"  # list models, read their cards
    MODELS_WRITE = "models:write"  # activate and roll back models, decide what may run unattended
    REPORTS = "reports"  # volumes, trends, surges, measured precision of auto mode, gaps
    AUDIT = "audit"  # receipts, the audit trail, exports
    METRICS = "metrics"  # scrape /metrics


_READS = frozenset({Right.CONTACTS_READ, Right.KB_READ})
_WORK = _READS | {Right.TRIAGE, Right.DECIDE}

MAY = MappingProxyType(
    {
        Role.AGENT: _WORK,
        Role.LEAD: _WORK | {Right.NOTICES, Right.LABEL, Right.REPORTS},
        Role.KB_EDITOR: frozenset({Right.KB_READ, Right.KB_WRITE, Right.NOTICES, Right.REPORTS}),
        Role.ANALYST: _READS | {Right.LABEL, Right.MODELS_READ, Right.MODELS_WRITE, Right.REPORTS},
        Role.ADMIN: frozenset(Right),
        Role.AUDITOR: _READS | {Right.AUDIT, Right.MODELS_READ, Right.REPORTS},
        Role.SERVICE: _READS | {Right.TRIAGE, Right.METRICS},
    }
)


class Kind(StrEnum):
    """How an actor was recognized."""

    LOCAL = "local"
    KEY = "key"
    SESSION = "session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The person or program behind a request.

    Attributes:
        id: What logs and limits name it by; nothing personal: `local`, `key:3f…`, `session:9c…`.
        name: What decisions and the audit trail keep: a person's name at the provider, or the key's.
        kind: How it was recognized.
        roles: In the order of `Role`.
        rights: What it may do.
    """

    id: str
    name: str
    kind: Kind
    roles: tuple[Role, ...]
    rights: frozenset[Right]

    def may(self, *rights: Right) -> bool:
        """Say whether it holds every one of these rights."""
        return self.rights.issuperset(rights)


# Who works on the machine itself may do by command what every role may do by HTTP.
LOCAL_ACTOR = Actor(id="local", name="local", kind=Kind.LOCAL, roles=tuple(Role), rights=frozenset(Right))


def rights_of(roles: Iterable[Role], scopes: Iterable[Right] = ()) -> frozenset[Right]:
    """Return what the roles may do together; scopes, where there are any, narrow it and never widen it."""
    held = frozenset(right for role in roles for right in MAY[role])
    return held & (frozenset(scopes) or held)


def read_roles(names: Iterable[str]) -> tuple[Role, ...]:
    """Return the roles of these names, each once, in the order of `Role`.

    Raises:
        DataError: If a name is none; the text lists those that are.
    """
    chosen = set(names)
    unknown = sorted(chosen.difference(Role))
    if unknown:
        raise DataError(f"a role is one of {', '.join(Role)}, got {', '.join(unknown)}")
    return tuple(role for role in Role if role in chosen)


def read_scopes(names: Iterable[str]) -> tuple[Right, ...]:
    """Return the rights of these names, each once, in the order of `Right`.

    Raises:
        DataError: If a name is none; the text lists those that are.
    """
    chosen = set(names)
    unknown = sorted(chosen.difference(Right))
    if unknown:
        raise DataError(f"a scope is one of {', '.join(Right)}, got {', '.join(unknown)}")
    return tuple(right for right in Right if right in chosen)
