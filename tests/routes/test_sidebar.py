"""The sidebar may be framed by the origins of the setting, and by nobody else."""

import pytest
from fastapi.testclient import TestClient

from api import create_app
from routes.guarding import SECURITY_HEADERS
from routes.sign_in import SignIn
from tests.fakes import fake_parts
from triage.errors import SettingsError
from triage.identity import IdentityProvider
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore
from wiring import Settings

CRM = "https://crm.example.org"
DESK = "https://city.zendesk.com:8443"


def test_the_page_names_the_origins_and_its_policy_lets_them_frame_it(store: SqlTriageStore) -> None:
    app = create_app(Pipeline(fake_parts()), store, sidebar_origins=(CRM, DESK))
    with TestClient(app) as client:
        page = client.get("/console/sidebar", params={"text": "couch"})
        other = client.get("/")
    assert f'data-origins="{CRM} {DESK}"' in page.text
    plain = SECURITY_HEADERS["Content-Security-Policy"]
    assert page.headers["content-security-policy"] == plain.replace("'none'", f"{CRM} {DESK}").replace(
        f"base-uri {CRM} {DESK}", "base-uri 'none'"
    )
    assert other.headers["content-security-policy"] == plain


def test_without_the_setting_nobody_frames_it(store: SqlTriageStore) -> None:
    with TestClient(create_app(Pipeline(fake_parts()), store)) as client:
        page = client.get("/console/sidebar")
    assert 'data-origins=""' in page.text
    assert page.headers["content-security-policy"] == SECURITY_HEADERS["Content-Security-Policy"]


def test_origins_are_read_from_the_setting() -> None:
    settings = Settings.from_env({"TRIAGE_SIDEBAR_ORIGINS": f"{CRM}  http://localhost:9000 {CRM}"})
    assert settings.sidebar_origins == (CRM, "http://localhost:9000")
    assert Settings.from_env({}).sidebar_origins == ()


@pytest.mark.parametrize(
    "wrong", ["*", "http://crm.example.org", "https://crm.example.org/page", "https://a;b", "null"]
)
def test_what_is_no_origin_stops_the_start(wrong: str) -> None:
    with pytest.raises(SettingsError, match="TRIAGE_SIDEBAR_ORIGINS must list origins"):
        Settings.from_env({"TRIAGE_SIDEBAR_ORIGINS": wrong})


@pytest.mark.parametrize(
    ("public_url", "framed", "same_site"),
    [
        ("https://311.example.org", True, "none"),
        ("https://311.example.org", False, "lax"),
        ("http://127.0.0.1:8311", True, "lax"),  # browsers take no such cookie in clear
    ],
)
def test_the_session_goes_into_another_sites_frame_only_over_https_and_with_the_setting(
    store: SqlTriageStore, public_url: str, framed: bool, same_site: str
) -> None:
    provider = IdentityProvider(
        issuer="https://id.example.org",
        client_id="triage",
        client_secret="secret",
        roles={},
        groups_claim="groups",
        public_url=public_url,
        session_secret="s" * 32,
    )
    app = create_app(Pipeline(fake_parts()), store, sign_in=SignIn(provider, store, framed=framed))
    [session] = [each for each in app.user_middleware if "same_site" in each.kwargs]
    assert session.kwargs["same_site"] == same_site
