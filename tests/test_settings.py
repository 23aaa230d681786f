"""Settings are read once, and all that is wrong with them is said at once."""

from dataclasses import fields
from pathlib import Path

import pytest

from tests.test_layers import ROOT
from triage.access import Role
from triage.errors import SettingsError
from wiring import Settings


def refusal(**env: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(env)
    return str(caught.value).splitlines()


def test_without_variables_everything_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/jo")
    settings = Settings.from_env({})
    assert settings.home == Path("/home/jo/.triage-311")
    assert settings.store_url == "sqlite:////home/jo/.triage-311/triage.db"
    assert (settings.host, settings.port, settings.min_probability) == ("127.0.0.1", 8311, 0.5)
    assert settings.workers in (1, 2)
    named = ("taxonomy", "articles", "messages", "safety_rules", "entity_formats", "encoder", "database_url")
    assert [getattr(settings, name) for name in named] == [None] * len(named)


def test_every_variable_arrives_in_its_field(tmp_path: Path) -> None:
    file = tmp_path / "city.yaml"
    file.touch()
    settings = Settings.from_env(
        {
            "TRIAGE_HOME": str(tmp_path / "home"),
            "TRIAGE_TAXONOMY": str(file),
            "TRIAGE_ARTICLES": str(tmp_path),
            "TRIAGE_MESSAGES": str(tmp_path),
            "TRIAGE_SAFETY_RULES": str(file),
            "TRIAGE_ENTITY_FORMATS": str(file),
            "TRIAGE_CITY": str(file),
            "TRIAGE_ENCODER": "org/model",
            "TRIAGE_DATABASE_URL": "postgresql://triage@db/triage",
            "TRIAGE_MIN_PROBABILITY": " 0.75 ",
            "TRIAGE_WORKERS": "3",
            "TRIAGE_HOST": "0.0.0.0",
            "TRIAGE_PORT": "80",
        }
    )
    assert settings.home == tmp_path / "home"
    assert (settings.taxonomy, settings.safety_rules, settings.entity_formats) == (file, file, file)
    assert (settings.articles, settings.messages) == (tmp_path, tmp_path)
    assert (settings.encoder, settings.store_url) == ("org/model", "postgresql://triage@db/triage")
    assert (settings.min_probability, settings.workers, settings.host, settings.port) == (0.75, 3, "0.0.0.0", 80)


def test_an_empty_variable_is_an_absent_one() -> None:
    assert Settings.from_env({"TRIAGE_PORT": " ", "TRIAGE_TAXONOMY": ""}).port == 8311


def test_the_environment_is_read_where_none_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRIAGE_HOME", str(tmp_path))
    monkeypatch.setenv("TRIAGE_PORT", "9000")
    assert (Settings.from_env().home, Settings.from_env().port) == (tmp_path, 9000)


def test_all_wrong_variables_are_listed_with_rule_and_value(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    names = ("TAXONOMY", "ARTICLES", "MESSAGES", "SAFETY_RULES", "ENTITY_FORMATS")
    found = refusal(
        **{f"TRIAGE_{name}": missing for name in names},
        TRIAGE_MIN_PROBABILITY="high",
        TRIAGE_WORKERS="2.5",
        TRIAGE_PORT="70000",
    )
    assert sorted(found) == sorted(
        [
            *(f"TRIAGE_{name} must name a file or folder that exists, got {missing!r}" for name in names),
            "TRIAGE_MIN_PROBABILITY must be a number in [0, 1], got 'high'",
            "TRIAGE_WORKERS must be a whole number in [1, 64], got '2.5'",
            "TRIAGE_PORT must be a whole number in [1, 65535], got '70000'",
        ]
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRIAGE_MIN_PROBABILITY", "1.01"),
        ("TRIAGE_MIN_PROBABILITY", "-0.1"),
        ("TRIAGE_MIN_PROBABILITY", "nan"),
        ("TRIAGE_MIN_PROBABILITY", "inf"),
        ("TRIAGE_MIN_PROBABILITY", "50%"),
        ("TRIAGE_WORKERS", "0"),
        ("TRIAGE_WORKERS", "65"),
        ("TRIAGE_PORT", "0"),
        ("TRIAGE_PORT", "http"),
        ("TRIAGE_PORT", "9" * 5_000),
        ("TRIAGE_TAXONOMY", "~nobody-of-that-name/city.yaml"),
    ],
)
def test_a_value_out_of_its_range_is_refused(name: str, value: str) -> None:
    [found] = refusal(**{name: value})
    assert found.startswith(f"{name} must ")
    assert found.endswith(f"got {value!r}")


@pytest.mark.parametrize(("value", "number"), [("0", 0.0), ("1", 1.0), ("1e-3", 0.001)])
def test_the_ends_of_a_range_belong_to_it(value: str, number: float) -> None:
    assert Settings.from_env({"TRIAGE_MIN_PROBABILITY": value}).min_probability == number


def test_every_field_names_its_variable_in_the_docstring() -> None:
    source = (ROOT / "city_settings.py").read_text("utf-8")
    for field in fields(Settings):
        assert f"        {field.name}: " in source, field.name
    assert Settings.__doc__ is not None
    variables = {word.strip("`.,;") for word in Settings.__doc__.split() if word.startswith("`TRIAGE_")}
    assert len(variables) == len(fields(Settings))
    assert all(f'"{variable}"' in source for variable in variables)


SIGN_IN = {
    "TRIAGE_PUBLIC_URL": "https://311.example/",
    "TRIAGE_OIDC_ISSUER": "https://login.example/realms/city",
    "TRIAGE_OIDC_CLIENT_ID": "triage-311",
    "TRIAGE_OIDC_CLIENT_SECRET": "between the two",
    "TRIAGE_OIDC_GROUPS": "311-agents=agent; CN=leads,OU=311=lead",
    "TRIAGE_OIDC_GROUPS_CLAIM": "roles",
    "TRIAGE_SESSION_SECRET": "s" * 32,
}


def test_what_the_city_says_of_its_identity_provider_arrives() -> None:
    provider = Settings.from_env(SIGN_IN).identity_provider
    assert provider is not None
    assert (provider.issuer, provider.public_url) == ("https://login.example/realms/city", "https://311.example")
    assert provider.roles == {"311-agents": Role.AGENT, "CN=leads,OU=311": Role.LEAD}
    assert (provider.client_id, provider.groups_claim) == ("triage-311", "roles")
    assert Settings.from_env({}).identity_provider is None


def test_an_identity_provider_needs_all_that_belongs_to_it() -> None:
    names = ("CLIENT_ID", "CLIENT_SECRET", "GROUPS")
    assert sorted(refusal(TRIAGE_OIDC_ISSUER="https://login.example")) == sorted(
        [
            *(f"TRIAGE_OIDC_{name} must be set where TRIAGE_OIDC_ISSUER is, got none" for name in names),
            "TRIAGE_PUBLIC_URL must be set where TRIAGE_OIDC_ISSUER is, got none",
            "TRIAGE_SESSION_SECRET must be set where TRIAGE_OIDC_ISSUER is, got none",
        ]
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TRIAGE_ACCESS", "open", "must be one of local, required, got 'open'"),
        ("TRIAGE_LOG_LEVEL", "chatty", "must be one of DEBUG, INFO, WARNING, ERROR, got 'chatty'"),
        ("TRIAGE_RATE_LIMIT", "0/minute", "must be a number and a span, such as 1200/minute, got '0/minute'"),
        ("TRIAGE_RATE_LIMIT", "many", "must be a number and a span, such as 1200/minute, got 'many'"),
        ("TRIAGE_PUBLIC_URL", "http://311.example", "must be an https:// URL, or http:// on loopback, got "),
        ("TRIAGE_OIDC_GROUPS", "desk=boss", "must list group=role; …, roles being agent, lead, kb-editor, "),
        ("TRIAGE_SESSION_SECRET", "short", "must have 32 characters or more, got 5"),
    ],
)
def test_a_wrong_word_about_access_is_refused(name: str, value: str, said: str) -> None:
    [found] = refusal(**{name: value})
    assert found.startswith(f"{name} {said}")


def test_no_secret_is_printed_with_the_settings() -> None:
    shown = repr(Settings.from_env(SIGN_IN))
    assert "between the two" not in shown
    assert "s" * 32 not in shown
