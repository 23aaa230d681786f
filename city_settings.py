"""Everything that a city may set, read once from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from models.translation_engines import OFFICIAL_INDEX
from triage.access import Role
from triage.channels.settings import ChannelSettings
from triage.identity import IdentityProvider
from triage.variables import VariableReader, absolute


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that a city may set, read once at start.

    Attributes:
        home: Folder for what the set-up builds and for the database; `TRIAGE_HOME`.
        taxonomy: YAML file of service types; `TRIAGE_TAXONOMY`, the shipped one where None.
        articles: Folder of knowledge-base articles; `TRIAGE_ARTICLES`, the starter ones where None.
        messages: Labelled messages of the default classifier; `TRIAGE_MESSAGES`, the shipped ones where None.
        safety_rules: YAML file of rules added to the tripwire, none can be taken away; `TRIAGE_SAFETY_RULES`.
        entity_formats: YAML file of the city's number formats; `TRIAGE_ENTITY_FORMATS`, the shipped one where None.
        city_map: YAML file of streets, landmarks, districts and owners; `TRIAGE_CITY`, the sample city's where None.
        calendar: YAML file of zone, office hours and holidays; `TRIAGE_CALENDAR`, the shipped one where None.
        incident_rules: YAML file of what makes duplicates and surges; `TRIAGE_INCIDENTS`, the shipped one where None.
        inbox: YAML file of the mailboxes that `triage inbox run` reads, none where None; `TRIAGE_INBOX`.
        encoder: A sentence-transformers model, by folder or hub name; `TRIAGE_ENCODER`, the packaged one where None.
        package_index: Where translation packages come from, URL or folder; `TRIAGE_PACKAGE_INDEX`.
        translate_deadline_s: Seconds after which a translation is not waited for; `TRIAGE_TRANSLATE_DEADLINE_S`.
        data: Folder of public data that benchmarks and training of the weights read; `TRIAGE_DATA_DIR`.
        database_url: `sqlite:///FILE` or `postgresql://…`; `TRIAGE_DATABASE_URL`, SQLite in `home` where None.
        min_probability: Below it an agent is asked, in [0, 1]; `TRIAGE_MIN_PROBABILITY`.
        workers: Batches computed side by side, one thread each; `TRIAGE_WORKERS`.
        host: Where the service listens; `TRIAGE_HOST`.
        port: `TRIAGE_PORT`.
        access: `local`: on loopback, without an identity provider, whoever sits at this machine is the local agent;
            `required`: everyone signs in or sends a key; `TRIAGE_ACCESS`.
        rate_limit: Requests that one key or session may send, in this process; `TRIAGE_RATE_LIMIT`.
        public_url: Where browsers reach the service; `TRIAGE_PUBLIC_URL`.
        oidc_issuer: URL of the city's identity provider; `TRIAGE_OIDC_ISSUER`.
        oidc_client_id: This service's name there; `TRIAGE_OIDC_CLIENT_ID`.
        oidc_client_secret: What proves it; `TRIAGE_OIDC_CLIENT_SECRET`.
        oidc_groups: The role of each group there, as `311-agents=agent; 311-leads=lead`; `TRIAGE_OIDC_GROUPS`.
        oidc_groups_claim: The claim that lists a person's groups; `TRIAGE_OIDC_GROUPS_CLAIM`.
        session_secret: Signs the session cookie, 32 characters or more; `TRIAGE_SESSION_SECRET`.
        log_level: The least grave lines that are logged; `TRIAGE_LOG_LEVEL`.
        channels: The jurisdiction of Open311, `TRIAGE_JURISDICTION`, and the secrets of webhooks; a hook without one is
            closed: TRIAGE_ZENDESK_SECRET, TRIAGE_TWILIO_TOKEN, TRIAGE_INBOUND_MAIL_SECRET, TRIAGE_TEAMS_SECRET,
            TRIAGE_HOOK_SECRET.
        back_ends: YAML file of the systems that are told of decisions; `TRIAGE_BACKENDS`, none where None.
        sidebar_origins: Origins of the pages that may show the sidebar in a frame; `TRIAGE_SIDEBAR_ORIGINS`.
        otlp_endpoint: Where traces go (OTLP over HTTP), nowhere where None; `TRIAGE_OTLP_ENDPOINT`.
    """

    home: Path
    taxonomy: Path | None = None
    articles: Path | None = None
    messages: Path | None = None
    safety_rules: Path | None = None
    entity_formats: Path | None = None
    city_map: Path | None = None
    calendar: Path | None = None
    incident_rules: Path | None = None
    inbox: Path | None = None
    encoder: str | None = None
    package_index: str = OFFICIAL_INDEX
    translate_deadline_s: float = 10.0
    data: Path | None = None
    database_url: str | None = None
    min_probability: float = 0.5
    workers: int = 2
    host: str = "127.0.0.1"
    port: int = 8311
    access: str = "local"
    rate_limit: str = "1200/minute"
    public_url: str | None = None
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = field(default=None, repr=False)
    oidc_groups: Mapping[str, Role] = field(default_factory=dict)
    oidc_groups_claim: str = "groups"
    session_secret: str | None = field(default=None, repr=False)
    log_level: str = "INFO"
    otlp_endpoint: str | None = None
    back_ends: Path | None = None
    sidebar_origins: tuple[str, ...] = ()
    channels: ChannelSettings = field(default_factory=ChannelSettings)

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Self:
        """Read the settings.

        Raises:
            SettingsError: Naming every variable that is wrong, its value, and the rule.
        """
        reader = VariableReader(os.environ if env is None else env)
        public_url = reader.url("TRIAGE_PUBLIC_URL")
        settings = cls(
            home=absolute(reader.text("TRIAGE_HOME") or "~/.triage-311"),
            taxonomy=reader.existing("TRIAGE_TAXONOMY"),
            articles=reader.existing("TRIAGE_ARTICLES"),
            messages=reader.existing("TRIAGE_MESSAGES"),
            safety_rules=reader.existing("TRIAGE_SAFETY_RULES"),
            entity_formats=reader.existing("TRIAGE_ENTITY_FORMATS"),
            city_map=reader.existing("TRIAGE_CITY"),
            calendar=reader.existing("TRIAGE_CALENDAR"),
            incident_rules=reader.existing("TRIAGE_INCIDENTS"),
            inbox=reader.existing("TRIAGE_INBOX"),
            encoder=reader.text("TRIAGE_ENCODER"),
            package_index=reader.text("TRIAGE_PACKAGE_INDEX") or OFFICIAL_INDEX,
            translate_deadline_s=reader.number("TRIAGE_TRANSLATE_DEADLINE_S", 10, 0.1, 600),
            data=reader.existing("TRIAGE_DATA_DIR"),
            database_url=reader.text("TRIAGE_DATABASE_URL"),
            min_probability=reader.number("TRIAGE_MIN_PROBABILITY", 0.5, 0, 1),
            workers=int(reader.number("TRIAGE_WORKERS", min(2, os.cpu_count() or 1), 1, 64, whole=True)),
            host=reader.text("TRIAGE_HOST") or "127.0.0.1",
            port=int(reader.number("TRIAGE_PORT", 8311, 1, 65_535, whole=True)),
            access=reader.choice("TRIAGE_ACCESS", "local", ("local", "required")),
            rate_limit=reader.rate("TRIAGE_RATE_LIMIT", "1200/minute"),
            public_url=public_url,
            oidc_issuer=reader.url("TRIAGE_OIDC_ISSUER"),
            oidc_client_id=reader.text("TRIAGE_OIDC_CLIENT_ID"),
            oidc_client_secret=reader.text("TRIAGE_OIDC_CLIENT_SECRET"),
            oidc_groups=reader.roles("TRIAGE_OIDC_GROUPS"),
            oidc_groups_claim=reader.text("TRIAGE_OIDC_GROUPS_CLAIM") or "groups",
            session_secret=reader.secret("TRIAGE_SESSION_SECRET", 32),
            log_level=reader.choice("TRIAGE_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
            otlp_endpoint=reader.url("TRIAGE_OTLP_ENDPOINT"),
            back_ends=reader.existing("TRIAGE_BACKENDS"),
            sidebar_origins=reader.origins("TRIAGE_SIDEBAR_ORIGINS"),
            channels=ChannelSettings(
                jurisdiction=reader.text("TRIAGE_JURISDICTION"),
                public_url=public_url,
                zendesk_secret=reader.secret("TRIAGE_ZENDESK_SECRET", 16),
                twilio_token=reader.secret("TRIAGE_TWILIO_TOKEN", 16),
                inbound_mail_secret=reader.secret("TRIAGE_INBOUND_MAIL_SECRET", 16),
                chat_secret=reader.secret("TRIAGE_TEAMS_SECRET", 16),
                generic_secret=reader.secret("TRIAGE_HOOK_SECRET", 16),
            ),
        )
        if settings.oidc_issuer:
            reader.need_with(
                "TRIAGE_OIDC_ISSUER",
                "TRIAGE_OIDC_CLIENT_ID",
                "TRIAGE_OIDC_CLIENT_SECRET",
                "TRIAGE_OIDC_GROUPS",
                "TRIAGE_PUBLIC_URL",
                "TRIAGE_SESSION_SECRET",
            )
        reader.raise_problems()
        return settings

    @property
    def store_url(self) -> str:
        """Where contacts are kept."""
        return self.database_url or f"sqlite:///{self.home / 'triage.db'}"

    @property
    def packages_home(self) -> Path:
        """Where translation packages are installed."""
        return self.home / "translation"

    @property
    def identity_provider(self) -> IdentityProvider | None:
        """Where people sign in; None where the city has set none."""
        if self.oidc_issuer is None:
            return None
        return IdentityProvider(
            issuer=self.oidc_issuer,
            client_id=self.oidc_client_id or "",
            client_secret=self.oidc_client_secret or "",
            roles=self.oidc_groups,
            groups_claim=self.oidc_groups_claim,
            public_url=self.public_url or "",
            session_secret=self.session_secret or "",
        )
