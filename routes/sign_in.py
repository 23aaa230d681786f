"""Signing in at the city's identity provider: OpenID Connect, authorization code with PKCE.

The cookie holds a signed random id and nothing else of the person; the session itself is a row, which signing out
deletes, so that a cookie that was copied is worth nothing afterwards.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from joserfc.errors import JoseError
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.middleware.sessions import SessionMiddleware

from routes.gate import SESSION_ID, check_own_site
from triage import logs
from triage.access import Role
from triage.errors import AccessDenied, TriageError
from triage.identity import IdentityProvider
from triage.keys import digest_of
from triage.store import SqlTriageStore

COOKIE = "triage_session"
LIFETIME = timedelta(hours=10)  # a working day
NEXT = "next"
# What goes wrong with a provider, or with somebody who pretends to be one.
FAILURES = (AuthlibBaseError, JoseError, httpx2.HTTPError, RuntimeError, ValueError, KeyError)


class SignedOut(BaseModel):
    """Where the provider ends its own session; None where it does not say."""

    provider_logout: str | None


class SignIn:
    """The routes below `/auth`, and the cookie.

    Args:
        provider: What the city says of its identity provider.
        store: Where sessions are kept.
        framed: Whether another site's page may show the sidebar: its requests then carry the cookie too, over HTTPS.
            What changes something is told from a forgery by where the browser says it comes from, not by the cookie.
    """

    def __init__(self, provider: IdentityProvider, store: SqlTriageStore, *, framed: bool = False) -> None:
        self._provider = provider
        self._framed = framed
        self._store = store
        self._client: Any = OAuth().register(
            "city",
            client_id=provider.client_id,
            client_secret=provider.client_secret,
            server_metadata_url=provider.discovery_url,
            client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256", "timeout": 10},
        )

    def install(self, app: FastAPI) -> None:
        """Add the routes and the cookie to an application."""
        router = APIRouter(prefix="/auth", include_in_schema=False)
        router.get("/login")(self.log_in)
        router.get("/callback")(self.come_back)
        router.post("/logout")(self.log_out)
        app.include_router(router)
        app.add_middleware(
            SessionMiddleware,
            secret_key=self._provider.session_secret,
            session_cookie=COOKIE,
            max_age=int(LIFETIME.total_seconds()),
            # Strict would lose the cookie on the way back from the provider; lax, in another site's frame.
            same_site="none" if self._framed and self._provider.over_https else "lax",
            https_only=self._provider.over_https,
        )

    def has_session(self, request: Request) -> bool:
        """Say whether the browser has signed in; whether its session still stands, the gate knows."""
        return SESSION_ID in request.session

    async def log_in(self, request: Request, next: str = "/") -> Response:
        """Send the browser to the provider; `next` is the page of this service to come back to."""
        request.session.clear()
        request.session[NEXT] = next if _is_own_page(next) else "/"
        try:
            answer: Response = await self._client.authorize_redirect(
                request, f"{self._provider.public_url}/auth/callback"
            )
        except FAILURES as error:
            raise TriageError(f"the identity provider cannot be reached ({type(error).__name__})") from None
        return answer

    async def come_back(self, request: Request) -> Response:
        """Take the code that the provider sent the browser back with, and open a session."""
        page = request.session.get(NEXT, "/")
        claims = await self._claims(request)
        groups = claims.get(self._provider.groups_claim, ())
        roles = self._provider.roles_of(groups if isinstance(groups, list) else [])
        name = str(claims.get("preferred_username") or claims.get("email") or claims["sub"])
        request.session.clear()
        if not roles:
            await run_in_threadpool(self._record, name, (), "sign_in", "denied")
            raise AccessDenied("none of your groups has a role here; ask an administrator to set TRIAGE_OIDC_GROUPS")
        request.session[SESSION_ID] = await run_in_threadpool(self._open, str(claims["sub"]), name, roles)
        return RedirectResponse(page, status_code=303)

    async def log_out(self, request: Request) -> SignedOut:
        """End the session; the answer says where the provider ends its own."""
        check_own_site(request)
        session_id = request.session.get(SESSION_ID)
        request.session.clear()
        if session_id:
            await run_in_threadpool(self._close, session_id)
        try:
            metadata = await self._client.load_server_metadata()
        except FAILURES:
            return SignedOut(provider_logout=None)
        return SignedOut(provider_logout=metadata.get("end_session_endpoint"))

    async def _claims(self, request: Request) -> Mapping[str, Any]:
        """Return what the provider vouches for: the ID token's claims, and its user info where the groups are there."""
        issuer = self._provider.issuer.rstrip("/")
        options = {
            "iss": {"essential": True, "values": [issuer, f"{issuer}/"]},
            "aud": {"essential": True, "value": self._provider.client_id},
        }
        try:
            token = await self._client.authorize_access_token(request, claims_options=options)
            claims: Mapping[str, Any] = token["userinfo"]
            if self._provider.groups_claim not in claims:
                told = await self._client.userinfo(token=token)
                claims = {**told, **claims} if told.get("sub") == claims["sub"] else claims
        except FAILURES as error:
            raise AccessDenied(f"signing in failed ({type(error).__name__}); start again at /auth/login") from None
        return claims

    def _open(self, subject: str, name: str, roles: tuple[Role, ...]) -> str:
        session_id = secrets.token_urlsafe(32)
        self._store.sessions.open(
            digest=digest_of(session_id),
            subject=subject,
            name=name,
            role=roles[0].value,
            expires_at=datetime.now(UTC) + LIFETIME,
            data={"roles": [role.value for role in roles]},
        )
        self._record(name, roles, "sign_in", "done")
        return session_id

    def _close(self, session_id: str) -> None:
        found = self._store.sessions.find(digest_of(session_id))
        if found is None:
            return
        self._store.sessions.close(digest_of(session_id))
        self._record(found.name, (Role(found.role),), "sign_out", "done")

    def _record(self, name: str, roles: tuple[Role, ...], action: str, outcome: str) -> None:
        role = roles[0].value if roles else ""
        self._store.audit.record(actor=name, role=role, action=action, outcome=outcome, request_id=logs.request_id())


def _is_own_page(page: str) -> bool:
    r"""Say whether an address is a path of this service: browsers read //host and /\host as another one's."""
    return page.startswith("/") and not page.startswith(("//", "/\\")) and page.isprintable()
