from triage.access import Role
from triage.identity import IdentityProvider

PROVIDER = IdentityProvider(
    issuer="https://login.example/realms/city/",
    client_id="triage-311",
    client_secret="client's secret",
    roles={"311-agents": Role.AGENT, "311-leads": Role.LEAD, "desk": Role.AGENT},
    groups_claim="groups",
    public_url="https://311.example",
    session_secret="session's secret",
)


def test_groups_become_roles_each_once_in_the_order_of_the_roles() -> None:
    assert PROVIDER.roles_of(["311-leads", "desk", "311-agents", "water-polo"]) == (Role.AGENT, Role.LEAD)
    assert PROVIDER.roles_of(["water-polo"]) == ()


def test_the_discovery_document_stands_below_the_issuer() -> None:
    assert PROVIDER.discovery_url == "https://login.example/realms/city/.well-known/openid-configuration"


def test_no_secret_is_printed() -> None:
    assert "secret" not in repr(PROVIDER).replace("client_secret", "").replace("session_secret", "")
