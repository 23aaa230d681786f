"""The gatekeeper of a service that others can reach: keys, sessions, limits, and no request of another site's making.

A session's cookie travels with whatever request a browser sends, also one that another site's page makes it send.
The browser says where a request comes from (Sec-Fetch-Site, Origin), and no page can change what it says; so no token
has to be handed about. What changes something must come from this site's own pages. A key is sent by intent, and needs
none of this.
"""

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import Request

from routes.rate_limits import RateLimits
from triage.access import LOCAL_ACTOR, Actor, Kind, read_roles, rights_of
from triage.errors import AccessDenied, SettingsError, Unauthenticated
from triage.keys import actor_of_key, digest_of
from triage.store import SqlTriageStore

if TYPE_CHECKING:
    from wiring import Settings

SESSION_ID = "id"
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host")


def gate_of(settings: "Settings", store: SqlTriageStore, address: str) -> "Gate":
    """Return the gatekeeper of a service that listens at an address.

    Raises:
        SettingsError: If others could reach it, and there is neither a key nor an identity provider.
    """
    on_loopback, signs_in = is_loopback(address), settings.identity_provider is not None
    if not on_loopback and not signs_in and not store.keys.any_active():
        raise SettingsError(
            "the service listens elsewhere than loopback only where a key or an identity provider says who may come "
            f"in, got TRIAGE_HOST {address!r}: make a key with `triage key create`, set TRIAGE_OIDC_ISSUER, "
            "or listen on 127.0.0.1"
        )
    local_agent = on_loopback and not signs_in and settings.access == "local"
    return Gate(store, limits=RateLimits(settings.rate_limit), local_agent=local_agent)


class Gate:
    """Tells who is behind a request.

    Args:
        store: Where keys and sessions are kept.
        limits: How often each may ask.
        local_agent: Takes a request of this machine, with neither key nor session, for the local agent. Only for a
            service that listens on loopback alone.
    """

    def __init__(self, store: SqlTriageStore, *, limits: RateLimits, local_agent: bool) -> None:
        self._store = store
        self._limits = limits
        self._local_agent = local_agent

    def actor_of(self, request: Request) -> Actor:
        """Return who is behind the request; several dependencies of one request count it once."""
        known: Actor | None = getattr(request.state, "actor", None)
        if known is not None:
            return known
        actor = self._recognized(request)
        if actor.kind is not Kind.KEY:
            check_own_site(request)
        if actor.kind is not Kind.LOCAL:
            self._limits.count(actor.id)
        return actor

    def _recognized(self, request: Request) -> Actor:
        secret = _secret_of(request)
        if secret:
            return self._of_key(secret, _address(request))
        session_id = request.session.get(SESSION_ID) if "session" in request.scope else None
        if session_id:
            return self._of_session(session_id)
        if self._local_agent:
            check_local(request)
            return LOCAL_ACTOR
        raise Unauthenticated("sign in at /auth/login, or send a key as `Authorization: Bearer …`")

    def _of_key(self, secret: str, address: str) -> Actor:
        try:
            return actor_of_key(self._store.keys, secret)
        except Unauthenticated:
            self._limits.count_failure(address)
            raise

    def _of_session(self, session_id: str) -> Actor:
        digest = digest_of(session_id)
        found = self._store.sessions.find(digest)
        if found is None:
            raise Unauthenticated("the session has ended; sign in again at /auth/login")
        roles = read_roles(found.data["roles"])
        return Actor(
            id=f"session:{digest.hex()[:8]}", name=found.name, kind=Kind.SESSION, roles=roles, rights=rights_of(roles)
        )


def is_loopback(host: str) -> bool:
    """Say whether a host's name or address can be reached from this machine only."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_own_site(request: Request) -> None:
    """Refuse a request that changes something and that another site's page made the browser send.

    As OWASP's "Fetch Metadata" defence and Go's `http.CrossOriginProtection` do. What sends neither header is no
    browser of the last years, and carries no session that somebody could borrow.

    Raises:
        AccessDenied: If it comes from elsewhere.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        own = site in ("same-origin", "none")
    else:
        own = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not own:
        raise AccessDenied("a page of another site sent this; use the console of this service, or send a key")


def check_local(request: Request) -> None:
    """Refuse the local agent's place to whoever does not sit at this machine.

    A web page can have its own name point at 127.0.0.1, and a proxy on this machine brings in requests from others;
    the first shows in Host, the second in the headers that proxies add.

    Raises:
        AccessDenied: If the request came through a name or a proxy.
    """
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    through_proxy = any(name in request.headers for name in FORWARDED)
    if through_proxy or not is_loopback(host) or not is_loopback(_address(request)):
        raise AccessDenied(
            "the local agent is signed in on 127.0.0.1 only; behind a proxy set TRIAGE_ACCESS=required and send a key"
        )


def _secret_of(request: Request) -> str | None:
    """Return the key that was sent as `Authorization: Bearer …` or `X-Api-Key`."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip() or None
    return request.headers.get("x-api-key")


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
