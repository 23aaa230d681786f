"""What a city says of its identity provider (OpenID Connect), and which groups are which roles."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from triage.access import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """An OpenID Connect provider that knows the city's staff.

    Attributes:
        issuer: Its URL; the discovery document stands below it.
        client_id: This service's name at the provider.
        client_secret: What proves it.
        roles: The role of each group, by the group's name at the provider.
        groups_claim: The claim that lists a person's groups.
        public_url: Where browsers reach this service, without a slash at its end.
        session_secret: Signs the session cookie; the same for every process of the service.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    roles: Mapping[str, Role]
    groups_claim: str
    public_url: str
    session_secret: str = field(repr=False)

    @property
    def discovery_url(self) -> str:
        """Where the provider describes itself (OpenID Connect Discovery 1.0, section 4)."""
        return f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"

    @property
    def over_https(self) -> bool:
        """Whether browsers reach the service over TLS, so that its cookie may insist on it."""
        return self.public_url.startswith("https://")

    def roles_of(self, groups: Iterable[str]) -> tuple[Role, ...]:
        """Return the roles of somebody in these groups, each once, in the order of `Role`."""
        held = {self.roles[group] for group in groups if group in self.roles}
        return tuple(role for role in Role if role in held)
