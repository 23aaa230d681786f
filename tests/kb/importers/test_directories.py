from datetime import date
from pathlib import Path

import pytest

from tests.kb.importers.samples import article_of, imported, reasons, text_of, told, write

# Lines of tables are as long as they are.
# ruff: noqa: E501

NEW = {
    "organization.csv": "id,name,website,email\no1,Harvest Table,https://harvest.example.org,help@example.org\n",
    "service.csv": "id,organization_id,name,alternate_name,description,status,application_process,fees_description,"
    "eligibility_description,minimum_age,maximum_age,assured_date\n"
    's1,o1,Food pantry,free groceries,"Groceries,\nonce a week.",active,Walk in.,Free.,County residents.,18,,2026-04-02\n'
    "s2,o1,Old pantry,,Closed.,inactive,,,,,,\n",
    "location.csv": "id,name\nl1,North door\n",
    "service_at_location.csv": "id,service_id,location_id\nk1,s1,l1\n",
    "address.csv": "id,location_id,address_1,city,state_province,postal_code\na1,l1,12 Elm Street,Lindero,CA,90000\n",
    "phone.csv": "id,service_id,location_id,number,extension,description\np1,s1,,555-0187,4,intake\np2,,l1,555-0188,,\n",
    "schedule.csv": 'id,service_at_location_id,byday,opens_at,closes_at\nh1,k1,"MO,WE",09:00,12:30\nh2,k1,SA,12:00,00:00\n',
    "required_document.csv": "id,service_id,document\nd1,s1,Proof of address\n",
    "taxonomy_term.csv": "id,code,name\nt1,BD-1800,Food pantries\n",
    "attribute.csv": "id,link_id,taxonomy_term_id\nx1,s1,t1\n",
    "service_area.csv": "id,service_id,name\nr1,s1,Lindero County\n",
    "language.csv": "id,service_id,name\ng1,s1,Spanish\n",
}
OLD = {
    "organizations.csv": "id,name,url\n1,Harvest Table,https://harvest.example.org\n",
    "services.csv": "id,organization_id,name,description,status,fees\n9,1,Food pantry,Groceries.,active,None\n",
    "locations.csv": "id,organization_id,name\n5,1,North door\n",
    "services_at_location.csv": "id,service_id,location_id\n3,9,5\n",
    "physical_addresses.csv": "id,location_id,address_1,city\n4,5,12 Elm Street,Lindero\n",
    "regular_schedules.csv": "id,service_id,weekday,opens_at,closes_at\n6,9,1,9:00,17:00\n",
    "phones.csv": "id,location_id,number\n7,5,555-0188\n",
    "eligibility.csv": "id,service_id,eligibility\n8,9,Families\n",
    "taxonomy.csv": "id,name\n2,Food\n",
    "service_taxonomy.csv": "id,service_id,taxonomy_id\n1,9,2\n",
}


def directory(folder: Path, tables: dict[str, str]) -> Path:
    for name, text in tables.items():
        write(folder / name, text)
    return folder


def test_a_service_of_version_3_is_an_article_with_its_places_hours_and_phones(tmp_path: Path) -> None:
    changes = imported(directory(tmp_path / "211", NEW), tmp_path / "out")
    assert told(changes) == [("added", "hsds-s1"), ("left out", "hsds-s2")]
    assert (changes[1].detail, changes[1].is_fault) == ("the service is inactive", False)
    article = article_of(tmp_path / "out", "hsds-s1")
    assert (article.title, article.department) == ("Food pantry (Harvest Table)", "Harvest Table")
    assert (article.aliases, article.reviewed_on) == (("free groceries",), date(2026, 4, 2))
    assert article.url == "https://harvest.example.org"
    assert text_of(tmp_path / "out", "hsds-s1") == (
        "Groceries,\nonce a week.\n\nOffered by Harvest Table.\n\nKind of help: Food pantries.\n\n"
        "## Who may use it?\n\nCounty residents.\n\nAge: from 18 years.\n\nFor people in Lindero County.\n\n"
        "## How do I apply?\n\nWalk in.\n\nBring: Proof of address.\n\n"
        "## What does it cost?\n\nFree.\n\n"
        "## Where and when?\n\nNorth door: 12 Elm Street, Lindero, CA, 90000\n\n"
        "| Day | Hours |\n| --- | --- |\n| Monday, Wednesday | 9 am to 12:30 pm |\n| Saturday | 12 pm to 12 am |\n\n"
        "## Whom do I call?\n\n- 555-0187 ext. 4 (intake)\n- 555-0188\n\nEmail: help@example.org\n\nLanguages: Spanish.\n"
    )


def test_a_service_of_version_1_is_read_by_the_old_names(tmp_path: Path) -> None:
    assert told(imported(directory(tmp_path / "211", OLD), tmp_path / "out")) == [("added", "hsds-9")]
    assert text_of(tmp_path / "out", "hsds-9") == (
        "Groceries.\n\nOffered by Harvest Table.\n\nKind of help: Food.\n\n## Who may use it?\n\nFamilies\n\n"
        "## What does it cost?\n\nNone\n\n## Where and when?\n\nNorth door: 12 Elm Street, Lindero\n\n"
        "| Day | Hours |\n| --- | --- |\n| Monday | 9 am to 5 pm |\n\n## Whom do I call?\n\n- 555-0188\n"
    )


def test_a_directory_in_latin_1_is_read(tmp_path: Path) -> None:
    folder = directory(tmp_path / "211", OLD)
    (folder / "services.csv").write_bytes(OLD["services.csv"].replace("Groceries.", "Señor.").encode("latin-1"))
    imported(folder, tmp_path / "out")
    assert text_of(tmp_path / "out", "hsds-9").startswith("Señor.")


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        (
            {**OLD, "services.csv": OLD["services.csv"] + '10,1,"cut'},
            "services.csv: unexpected end of data; is the file cut off?",
        ),
        ({**OLD, "phones.csv": ""}, "phones.csv has no header line"),
    ],
)
def test_a_broken_table_is_named_and_the_old_articles_stay(tmp_path: Path, tables: dict[str, str], reason: str) -> None:
    imported(directory(tmp_path / "211", OLD), tmp_path / "out")
    assert reasons(imported(directory(tmp_path / "211", tables), tmp_path / "out", prune=True)) == [reason]
    assert (tmp_path / "out" / "hsds-9.md").exists()


def test_a_service_without_an_id_or_a_text_is_left_out(tmp_path: Path) -> None:
    services = "id,organization_id,name,description\n,1,No id,x\n11,99,,\n"
    changes = imported(directory(tmp_path / "211", {**OLD, "services.csv": services}), tmp_path / "out")
    assert reasons(changes) == ["the service has no id", "it has no title"]


def test_a_table_of_places_without_ids_is_read(tmp_path: Path) -> None:
    tables = {**OLD, "services_at_location.csv": "service_id,location_id\n9,5\n"}
    imported(directory(tmp_path / "211", tables), tmp_path / "out")
    assert "North door: 12 Elm Street, Lindero" in text_of(tmp_path / "out", "hsds-9")
