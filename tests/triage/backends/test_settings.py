"""The file of back ends is checked whole, with its crosswalks, and all that is wrong is said at once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from triage.backends.settings import BackEnd, Kind, load
from triage.errors import SettingsError

TYPES = ("water.leak", "street.pothole")
WHOLE = """
back_ends:
  - {name: events, kind: cloudevents, url: "https://bus.example.org/in/", secret: EVENTS_SECRET}
  - name: works
    kind: open311
    url: https://works.example.org/open311/v2
    secret: WORKS_KEY
    jurisdiction: example.org
    can_update: true
    crosswalk: works.csv
  - name: desk
    kind: zendesk
    url: https://desk.example.org
    user: integration@example.org
    secret: DESK_TOKEN
    fields: {service_type: 11}
  - {name: parks, kind: mail, sender: 311@example.org, crosswalk: mail.csv}
"""
WORKS = "service_type,code,note\nwater.leak,001,leaks and breaks\n"
Reader = Callable[..., tuple[BackEnd, ...]]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    def reader(file: str, **crosswalks: str) -> tuple[BackEnd, ...]:
        (tmp_path / "city.yaml").write_text(file, "utf-8")
        for name, rows in crosswalks.items():
            (tmp_path / f"{name}.csv").write_text(rows, "utf-8-sig")
        return load(tmp_path / "city.yaml", secret_of=lambda name: f"value of {name}", service_types=TYPES)

    return reader


def refusal(read: Reader, file: str, **crosswalks: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(file, **crosswalks)
    return [line.removeprefix("city.yaml: ") for line in str(caught.value).splitlines()]


def test_a_whole_file_is_read(read: Reader) -> None:
    events, works, desk, parks = read(WHOLE, works=WORKS, mail="service_type,code\nstreet.pothole,st@example.org\n")
    assert (events.kind, events.url, events.secret) == (
        Kind.CLOUDEVENTS,
        "https://bus.example.org/in",
        "value of EVENTS_SECRET",
    )
    assert (events.codes, events.settled_only, works.settled_only) == (None, False, True)
    assert (works.codes, works.jurisdiction, works.can_update) == ({"water.leak": "001"}, "example.org", True)
    assert (desk.user, desk.fields) == ("integration@example.org", {"service_type": 11})
    assert (parks.sender, parks.code_of("street.pothole"), parks.code_of("water.leak")) == (
        "311@example.org",
        "st@example.org",
        None,
    )


def test_a_secret_is_never_shown(read: Reader) -> None:
    assert "value of" not in repr(read(WHOLE, works=WORKS, mail="service_type,code\n"))


def test_everything_that_is_wrong_is_said_at_once(read: Reader) -> None:
    file = """
back_ends:
  - {name: Works, kind: open311, url: "http://works.example.org", secret: low, colour: red}
  - {name: one, kind: fax}
  - {name: two, kind: mail, sender: 311@example.org, crosswalk: two.csv}
  - {name: two, kind: open311, url: "https://x.example.org", crosswalk: none.csv}
"""
    rows = "service_type,code\nwater.leak,nobody\nwater.leak,a@example.org\nsewer.none,b@example.org\nstreet.pothole,\n"
    assert refusal(read, file, two=rows) == [
        "back end 1: name must be lower-case letters, digits and hyphens, at most 40, a letter first",
        "back end 1: url must be an https:// URL without query, or http:// on loopback",
        "back end 1: secret must be the name of an environment variable, in capitals",
        "back end 1: crosswalk is missing",
        "back end 1: colour is not a field of this kind; remove it",
        "back end 2: kind must be one of cloudevents, open311, zendesk, mail",
        "two back ends are called two",
        "two.csv line 2: the code of water.leak must be a mail address",
        "two.csv line 3: water.leak stands twice",
        "two.csv line 4: sewer.none is none of the city's service types",
        "two.csv line 5: street.pothole has no code",
        "two: the crosswalk none.csv must be a CSV file in UTF-8 (FileNotFoundError)",
    ]


@pytest.mark.parametrize("file", ["", "a: 1", "back_ends: 3", "back_ends: []\nmore: 1"])
def test_what_is_no_list_of_back_ends_is_refused(read: Reader, file: str) -> None:
    assert refusal(read, file) == ["city.yaml must hold one list, back_ends, and nothing else"]


def test_a_crosswalk_without_its_columns_is_refused(read: Reader) -> None:
    found = refusal(read, WHOLE, works="type;code\n", mail="service_type,code\n")
    assert found == ["works.csv must have the columns service_type and code"]


def test_a_secret_that_is_not_set_is_named(tmp_path: Path) -> None:
    (tmp_path / "city.yaml").write_text(
        "back_ends:\n  - {name: e, kind: cloudevents, url: 'https://x.example.org', secret: E_SECRET}\n", "utf-8"
    )
    with pytest.raises(SettingsError, match="e: the environment variable E_SECRET must be set, it holds the secret"):
        load(tmp_path / "city.yaml", secret_of=lambda _: None, service_types=TYPES)
