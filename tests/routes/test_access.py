"""Who may come in: keys, roles, the local agent, other sites' pages, limits; and no route is forgotten."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from api import create_app
from routes.access import requirements_of
from routes.gate import gate_of, is_loopback
from tests.fakes import fake_parts
from tests.routes.conftest import Clients
from triage.access import MAY, Right, Role
from triage.errors import SettingsError
from triage.keys import create_key
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore
from wiring import Settings

COUCH = {"text": "someone dumped a couch"}
KeyOf = Callable[..., str]
# Routes that ask for nothing, each for a reason.
OPEN = {
    "/healthz": "a load balancer asks before anybody has a key",
    "/readyz": "the same",
    "/version": "tells no more than the project's page",
    "/docs": "the API's page: what can be asked, not what is stored",
    "/docs/oauth2-redirect": "a part of it",
    "/redoc": "the same page, in another form",
}
# The console's pages hold nothing that anybody wrote; what they ask for needs a right.
PAGES = "/console/"
# Routes with a proof of their own, asked for inside: a key in the standard's place, or a signature.
PROVED = ("/open311/v2/", "/v1/hooks/")
# The right that each route needs and a request that has everything else.
ROUTES: dict[Right, Callable[[TestClient], Any]] = {
    Right.TRIAGE: lambda client: client.post("/v1/triage", json=COUCH),
    Right.CONTACTS_READ: lambda client: client.get("/v1/contacts"),
    Right.KB_READ: lambda client: client.get("/v1/taxonomy"),
    Right.METRICS: lambda client: client.get("/metrics"),
}


def check_problem(response: Any, status: int, title: str, said: str) -> None:  # noqa: ANN401
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["title"] == title
    assert said in response.json()["detail"]


def routes_of(router: Any) -> Iterator[APIRoute]:  # noqa: ANN401
    """Yield every route of an application, through the routers that it includes."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from routes_of(route.original_router)


def test_every_route_asks_for_a_right_or_stands_in_the_list_of_open_ones(store: SqlTriageStore) -> None:
    app = create_app(Pipeline(fake_parts()), store)
    found = {route.path: requirements_of(route) for route in routes_of(app) if route.path != "/"}
    assert len(found) >= 8
    unasked = sorted(path for path, requirements in found.items() if not requirements)
    assert [path for path in unasked if path not in OPEN and not path.startswith((*PROVED, PAGES))] == []


# Nobody


@pytest.mark.parametrize("right", ROUTES)
def test_nobody_is_let_in_and_told_how(client_at: Clients, store: SqlTriageStore, right: Right) -> None:
    with client_at() as client:
        response = ROUTES[right](client)
    check_problem(response, 401, "Not signed in", "sign in at /auth/login, or send a key as `Authorization: Bearer")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert store.counts().contacts == 0


def test_what_nobody_sends_is_not_even_kept_as_rejected(client_at: Clients, store: SqlTriageStore) -> None:
    with client_at() as client:
        for body in (b"{", b'{"text": ""}', b"\xff"):
            answer = client.post("/v1/triage", content=body, headers={"Content-Type": "application/json"})
            assert answer.status_code == 401
    assert store.counts().rejections == 0


@pytest.mark.parametrize("path", OPEN)
def test_an_open_route_answers_nobody(client_at: Clients, path: str) -> None:
    with client_at() as client:
        assert client.get(path).status_code == 200


# Keys and roles


@pytest.mark.parametrize("right", ROUTES)
@pytest.mark.parametrize("role", Role)
def test_a_role_may_what_the_table_says(client_at: Clients, key_of: KeyOf, role: Role, right: Right) -> None:
    with client_at(key=key_of(role)) as client:
        response = ROUTES[right](client)
    if right in MAY[role]:
        assert response.status_code == 200
    else:
        check_problem(response, 403, "Not allowed", f"this needs the right {right}; ask an administrator")


def test_a_scope_narrows_a_key(client_at: Clients, key_of: KeyOf) -> None:
    with client_at(key=key_of(Role.SERVICE, Right.TRIAGE)) as client:
        assert client.post("/v1/triage", json=COUCH).status_code == 200
        check_problem(client.get("/v1/contacts"), 403, "Not allowed", "contacts:read")


def test_a_key_may_be_sent_in_a_header_of_its_own(client_at: Clients, key_of: KeyOf) -> None:
    with client_at() as client:
        assert client.get("/v1/me", headers={"X-Api-Key": key_of(Role.AGENT)}).json()["name"] == "the agent"


def test_a_revoked_key_is_refused_by_a_process_that_knew_it(
    client_at: Clients, key_of: KeyOf, store: SqlTriageStore
) -> None:
    with client_at(key=key_of(Role.AGENT)) as client:
        assert client.get("/v1/contacts").status_code == 200
        store.keys.revoke(store.keys.list()[0].id)
        check_problem(client.get("/v1/contacts"), 401, "Not signed in", "unknown, expired or revoked")


def test_a_wrong_key_is_refused_even_where_the_local_agent_would_be_let_in(client_at: Clients) -> None:
    with client_at(local_agent=True, key="t311_wrong") as client:
        assert client.get("/v1/contacts").status_code == 401


def test_me_says_who_one_is_and_what_one_may(client_at: Clients, key_of: KeyOf) -> None:
    with client_at(key=key_of(Role.SERVICE, Right.TRIAGE, Right.METRICS)) as client:
        assert client.get("/v1/me").json() == {
            "name": "the service",
            "kind": "key",
            "roles": ["service"],
            "rights": ["triage", "metrics"],
        }


# The local agent


def test_the_local_agent_is_signed_in_on_this_machine(client_at: Clients) -> None:
    with client_at(local_agent=True) as client:
        assert client.get("/v1/me").json()["kind"] == "local"
        assert client.post("/v1/triage", json=COUCH).status_code == 200


@pytest.mark.parametrize("base_url", ["http://localhost:8311", "http://[::1]:8311", "http://127.0.0.2"])
def test_every_name_of_this_machine_will_do(client_at: Clients, base_url: str) -> None:
    with client_at(local_agent=True, base_url=base_url) as client:
        assert client.get("/v1/me").status_code == 200


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        pytest.param({"base_url": "http://rebound.example"}, {}, id="a name that points here"),
        pytest.param({"client": ("192.0.2.7", 50_000)}, {}, id="another machine"),
        pytest.param({}, {"X-Forwarded-For": "192.0.2.7"}, id="a proxy"),
        pytest.param({}, {"Forwarded": "for=192.0.2.7"}, id="a proxy of RFC 7239"),
        pytest.param({}, {"Host": ""}, id="no name"),
    ],
)
def test_whoever_does_not_sit_here_is_not_the_local_agent(
    client_at: Clients, options: dict[str, Any], headers: dict[str, str]
) -> None:
    with client_at(local_agent=True, **options) as client:
        check_problem(client.get("/v1/contacts", headers=headers), 403, "Not allowed", "on 127.0.0.1 only")


@pytest.mark.parametrize(
    ("host", "is_one"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.7", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(host: str, is_one: bool) -> None:
    assert is_loopback(host) is is_one


# Where the service listens


def settings_of(tmp_path: Path, **given: Any) -> Settings:  # noqa: ANN401
    return Settings(home=tmp_path, **given)


def test_the_service_refuses_to_listen_elsewhere_without_keys_or_a_provider(
    store: SqlTriageStore,
    tmp_path: Path,
) -> None:
    with pytest.raises(SettingsError) as caught:
        gate_of(settings_of(tmp_path), store, "0.0.0.0")
    assert str(caught.value) == (
        "the service listens elsewhere than loopback only where a key or an identity provider says who may come in, "
        "got TRIAGE_HOST '0.0.0.0': make a key with `triage key create`, set TRIAGE_OIDC_ISSUER, or listen on 127.0.0.1"
    )


def test_a_key_that_works_opens_the_way_and_one_that_has_expired_does_not(
    store: SqlTriageStore,
    tmp_path: Path,
) -> None:
    def add(expires_at: datetime) -> None:
        create_key(store.keys, name="crm", role=Role.SERVICE, scopes=(), expires_at=expires_at, created_by="jo")

    add(datetime.now(UTC) - timedelta(days=1))
    with pytest.raises(SettingsError):
        gate_of(settings_of(tmp_path), store, "0.0.0.0")
    add(datetime.now(UTC) + timedelta(days=1))
    gate_of(settings_of(tmp_path), store, "0.0.0.0")


@pytest.mark.parametrize(
    ("given", "address", "status"),
    [
        ({}, "127.0.0.1", 200),
        ({"access": "required"}, "127.0.0.1", 401),
        ({"oidc_issuer": "https://login.example"}, "127.0.0.1", 401),
        ({"oidc_issuer": "https://login.example"}, "0.0.0.0", 401),
    ],
)
def test_the_local_agent_has_a_place_on_loopback_only_and_not_where_people_sign_in(
    store: SqlTriageStore,
    tmp_path: Path,
    given: dict[str, Any],
    address: str,
    status: int,
) -> None:
    gate = gate_of(settings_of(tmp_path, **given), store, address)
    app = create_app(Pipeline(fake_parts()), store, gatekeeper=gate)
    with TestClient(app, base_url="http://127.0.0.1:8311", client=("127.0.0.1", 50_000)) as client:
        assert client.get("/v1/me").status_code == status


# Pages of other sites


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # no browser
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://127.0.0.1:8311"}, 200),
        ({"Origin": "http://127.0.0.1:9000"}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8311"}, 403),
    ],
)
def test_what_changes_something_comes_from_this_sites_own_pages(
    client_at: Clients, store: SqlTriageStore, headers: dict[str, str], status: int
) -> None:
    with client_at(local_agent=True) as client:
        response = client.post("/v1/triage", json=COUCH, headers=headers)
    assert response.status_code == status
    assert store.counts().contacts == (1 if status == 200 else 0)


def test_a_key_is_sent_by_intent_whatever_page_sends_it(client_at: Clients, key_of: KeyOf) -> None:
    with client_at(key=key_of(Role.SERVICE)) as client:
        response = client.post("/v1/triage", json=COUCH, headers={"Origin": "https://crm.example"})
    assert response.status_code == 200


# Limits


def test_who_asks_too_often_is_told_when_to_come_again(client_at: Clients, key_of: KeyOf) -> None:
    first, second = key_of(Role.AGENT), key_of(Role.LEAD)
    with client_at(rate="3/minute") as client:
        answers = [client.get("/v1/contacts", headers={"X-Api-Key": first}) for _ in range(4)]
        other = client.get("/v1/contacts", headers={"X-Api-Key": second})
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    check_problem(answers[3], 429, "Too many requests", "at most 3 per 1 minute requests are taken; come again in")
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 60
    assert other.status_code == 200


def test_wrong_keys_are_limited_by_address_and_hold_up_no_right_one(client_at: Clients, key_of: KeyOf) -> None:
    with client_at() as client:
        codes = [client.get("/v1/me", headers={"X-Api-Key": f"t311_{n}"}).status_code for n in range(31)]
        assert codes == [401] * 30 + [429]
        assert client.get("/v1/me", headers={"X-Api-Key": key_of(Role.AGENT)}).status_code == 200


def test_the_local_agent_is_not_limited(client_at: Clients) -> None:
    with client_at(local_agent=True, rate="1/minute") as client:
        assert [client.get("/v1/me").status_code for _ in range(3)] == [200] * 3


# Monitoring


def test_the_metrics_page_is_prometheus_text(client_at: Clients, key_of: KeyOf) -> None:
    with client_at(key=key_of(Role.SERVICE)) as client:
        client.post("/v1/triage", json=COUCH)
        client.post("/v1/triage", json={"text": ""})
        client.get("/v1/kb/search", params={"q": "couch"})
        page = client.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=")
    assert 'triage_requests_total{channel="web",lang="en",status="ok"} 1.0' in page.text
    assert 'triage_requests_total{channel="web",lang="und",status="rejected"} 1.0' in page.text
    assert 'kb_queries_total{result="answer"} 2.0' in page.text
    assert re.search(r'model_info\{version="encoder fake-encoder"\} 1.0', page.text)


def test_what_residents_wrote_is_kept_by_no_cache(client_at: Clients) -> None:
    with client_at(local_agent=True) as client:
        assert client.get("/v1/contacts").headers["cache-control"] == "no-store"
