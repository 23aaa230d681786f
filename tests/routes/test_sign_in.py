"""Signing in at a provider on loopback: code and PKCE, roles from groups, the cookie, the way out, forgeries."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi.testclient import TestClient
from joserfc.jwk import RSAKey

from api import create_app
from routes.gate import Gate
from routes.rate_limits import RateLimits
from routes.sign_in import COOKIE, SignIn
from tests.fakes import fake_parts
from tests.routes.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, running
from triage.access import Role
from triage.identity import IdentityProvider
from triage.keys import digest_of
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore

PUBLIC = "http://127.0.0.1:8311"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def provider_process() -> Iterator[Provider]:
    with running() as provider:
        yield provider


@pytest.fixture
def provider(provider_process: Provider) -> Provider:
    """The provider as it was at first, whatever the test before has made of it."""
    fresh = Provider(person={"sub": "u-1", "preferred_username": "ana@example.org", "groups": ["311-agents"]})
    for name in ("person", "told", "forged", "key", "asked", "codes"):
        setattr(provider_process, name, getattr(fresh, name))
    return provider_process


@pytest.fixture
def settings(provider: Provider) -> IdentityProvider:
    return IdentityProvider(
        issuer=provider.issuer,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        roles={"311-agents": Role.AGENT, "311-leads": Role.LEAD},
        groups_claim="groups",
        public_url=PUBLIC,
        session_secret="signs the cookies of these tests only",
    )


Browsers = Callable[..., Any]


@pytest.fixture
def browser_of(store: SqlTriageStore) -> Browsers:
    """Give a browser of a service that signs people in by these settings."""

    @contextmanager
    def opened(settings: IdentityProvider) -> Iterator[TestClient]:
        gate = Gate(store, limits=RateLimits("1200/minute"), local_agent=False)
        app = create_app(Pipeline(fake_parts()), store, gatekeeper=gate, sign_in=SignIn(settings, store))
        with TestClient(app, base_url=settings.public_url, follow_redirects=False) as browser:
            yield browser

    return opened


@pytest.fixture
def browser(browser_of: Browsers, settings: IdentityProvider) -> Iterator[TestClient]:
    with browser_of(settings) as opened:
        yield opened


def to_provider(browser: TestClient, page: str = "/") -> str:
    """Go to the provider, who says yes, and return where it sends the browser back to."""
    away = browser.get("/auth/login", params={"next": page})
    assert away.status_code == 302
    back = httpx2.get(away.headers["location"])
    assert back.status_code == 307
    return str(back.headers["location"])


def sign_in(browser: TestClient, page: str = "/") -> Any:  # noqa: ANN401
    return browser.get(to_provider(browser, page))


def check_refused(response: Any, said: str) -> None:  # noqa: ANN401
    assert (response.status_code, response.json()["title"]) == (403, "Not allowed")
    assert said in response.json()["detail"]


def test_a_person_is_signed_in_with_the_role_of_the_group(browser: TestClient) -> None:
    assert browser.get("/v1/me").status_code == 401
    back = sign_in(browser, "/console/?contact=m-1")
    assert (back.status_code, back.headers["location"]) == (303, "/console/?contact=m-1")
    me = browser.get("/v1/me").json()
    assert (me["name"], me["kind"], me["roles"]) == ("ana@example.org", "session", ["agent"])
    assert browser.get("/v1/contacts").status_code == 200
    assert browser.get("/metrics").status_code == 403


def test_the_start_page_sends_whoever_is_not_signed_in_to_the_provider(browser: TestClient) -> None:
    away = browser.get("/")
    assert (away.status_code, away.headers["location"]) == (303, "/auth/login?next=%2F")
    sign_in(browser)
    assert browser.get("/").headers["content-type"].startswith("text/html")


def test_the_code_is_asked_for_with_pkce_state_and_nonce(browser: TestClient, provider: Provider) -> None:
    to_provider(browser)
    [asked] = provider.asked
    assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT_ID)
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert asked["state"]
    assert asked["nonce"]
    assert asked["redirect_uri"] == f"{PUBLIC}/auth/callback"


def test_several_groups_give_several_roles(browser: TestClient, provider: Provider) -> None:
    provider.person["groups"] = ["311-leads", "water-polo", "311-agents"]
    sign_in(browser)
    assert browser.get("/v1/me").json()["roles"] == ["agent", "lead"]


def test_groups_may_stand_in_the_user_info(browser: TestClient, provider: Provider) -> None:
    del provider.person["groups"]
    provider.told["groups"] = ["311-leads"]
    sign_in(browser)
    assert browser.get("/v1/me").json()["roles"] == ["lead"]


@pytest.mark.parametrize("groups", [[], ["water-polo"], "311-agents", None])
def test_whose_groups_have_no_role_is_not_let_in(
    browser: TestClient, provider: Provider, store: SqlTriageStore, groups: object
) -> None:
    provider.person["groups"] = groups
    check_refused(sign_in(browser), "none of your groups has a role here")
    assert browser.get("/v1/me").status_code == 401
    assert [entry.outcome for entry in store.audit.list()] == ["denied"]


def test_the_cookie_is_signed_kept_from_scripts_and_from_other_sites(browser: TestClient) -> None:
    cookie = SimpleCookie(sign_in(browser).headers["set-cookie"])[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "lax"
    assert int(cookie["max-age"]) == 10 * 3_600
    assert "ana" not in cookie.value
    kept, signature = cookie.value.rsplit(".", 1)
    # The first character: the last one of base64 holds bits that stand for nothing.
    forged = f"{kept}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    browser.cookies.clear()
    assert browser.get("/v1/me", headers={"Cookie": f"{COOKIE}={cookie.value}"}).status_code == 200
    assert browser.get("/v1/me", headers={"Cookie": f"{COOKIE}={forged}"}).status_code == 401


def test_the_cookie_insists_on_tls_where_the_service_is_reached_over_it(
    browser_of: Browsers, settings: IdentityProvider
) -> None:
    with browser_of(replace(settings, public_url="https://311.example")) as browser:
        cookie = SimpleCookie(browser.get("/auth/login").headers["set-cookie"])[COOKIE]
    assert cookie["secure"]


def test_signing_out_ends_the_session_also_for_a_copy_of_the_cookie(
    browser: TestClient, provider: Provider, store: SqlTriageStore
) -> None:
    value = SimpleCookie(sign_in(browser).headers["set-cookie"])[COOKIE].value
    out = browser.post("/auth/logout", headers=OWN_PAGE)
    assert out.json() == {"provider_logout": f"{provider.issuer}/bye"}
    assert browser.get("/v1/me").status_code == 401
    copied = browser.get("/v1/me", headers={"Cookie": f"{COOKIE}={value}"})
    assert copied.json()["detail"] == "the session has ended; sign in again at /auth/login"
    assert [entry.action for entry in store.audit.list()] == ["sign_out", "sign_in"]


def test_another_sites_page_can_neither_decide_nor_sign_out(browser: TestClient) -> None:
    sign_in(browser)
    for path in ("/v1/triage", "/auth/logout"):
        response = browser.post(path, json={"text": "couch"}, headers={"Origin": "https://elsewhere.example"})
        check_refused(response, "a page of another site sent this")
    assert browser.post("/v1/triage", json={"text": "couch"}, headers=OWN_PAGE).status_code == 200


def test_a_session_is_stored_as_a_digest(browser: TestClient, store: SqlTriageStore) -> None:
    sign_in(browser)
    cookie = browser.cookies[COOKIE]
    assert store.sessions.find(digest_of(cookie)) is None
    assert browser.get("/v1/me").status_code == 200


def test_signing_in_again_begins_another_session(browser: TestClient) -> None:
    first = SimpleCookie(sign_in(browser).headers["set-cookie"])[COOKIE].value
    second = SimpleCookie(sign_in(browser).headers["set-cookie"])[COOKIE].value
    assert first != second


@pytest.mark.parametrize(
    "page", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "console", "", "/\n/x"]
)
def test_one_comes_back_to_this_service_only(browser: TestClient, page: str) -> None:
    assert sign_in(browser, page).headers["location"] == "/"


@pytest.mark.parametrize(
    "forged",
    [
        {"aud": "another-client"},
        {"aud": "another-client", "azp": CLIENT_ID},
        {"aud": None},
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"sub": None},
    ],
    ids=str,
)
def test_an_id_token_that_is_not_meant_for_this_sign_in_is_refused(
    browser: TestClient, provider: Provider, forged: dict[str, Any]
) -> None:
    provider.forged = forged
    check_refused(sign_in(browser), "signing in failed")
    assert browser.get("/v1/me").status_code == 401


def test_an_id_token_that_another_key_signed_is_refused(browser: TestClient, provider: Provider) -> None:
    provider.key = RSAKey.generate_key(2048, {"kid": "k1"})
    check_refused(sign_in(browser), "signing in failed")


def test_a_code_that_was_asked_for_in_another_browser_is_refused(browser: TestClient) -> None:
    stolen = to_provider(browser)
    browser.cookies.clear()
    check_refused(browser.get(stolen), "signing in failed (MismatchingStateError); start again at /auth/login")


def test_a_code_is_taken_once(browser: TestClient) -> None:
    back = to_provider(browser)
    assert browser.get(back).status_code == 303
    check_refused(browser.get(back), "signing in failed")


def test_a_code_without_its_verifier_is_worth_nothing(provider: Provider, browser: TestClient) -> None:
    code = parse_qs(urlsplit(to_provider(browser)).query)["code"][0]
    taken = httpx2.post(f"{provider.issuer}/token", data={"code": code}, auth=(CLIENT_ID, CLIENT_SECRET))
    assert taken.status_code == 400


def test_what_the_provider_refuses_is_said_without_its_words(browser: TestClient) -> None:
    answer = browser.get("/auth/callback", params={"error": "access_denied", "error_description": "<b>words</b>"})
    check_refused(answer, "signing in failed (OAuthError)")
    assert "words" not in answer.text


def test_a_provider_that_does_not_answer_is_said(browser_of: Browsers, settings: IdentityProvider) -> None:
    with browser_of(replace(settings, issuer="http://127.0.0.1:9")) as browser:
        answer = browser.get("/auth/login")
    assert answer.status_code == 503
    assert answer.json()["detail"] == "the identity provider cannot be reached (ConnectError)"
