"""The OpenAPI document: complete, and held to by whatever a fuzzer sends."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance, unsupported_method

from api import create_app
from tests.fakes import fake_parts
from triage.pipeline import Pipeline
from triage.store import open_store

# What a schema cannot say: which codes a city has, which versions were given out. Rights are tested by themselves.
# And 405 is answered for any method that a path does not know, where nothing is documented.
EXAMPLES = 15
LEFT_OUT = [positive_data_acceptance, ignored_auth, unsupported_method]


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    file = tmp_path_factory.mktemp("fuzzed") / "city.db"
    with open_store(f"sqlite:///{file}") as store:
        yield schemathesis.openapi.from_asgi("/openapi.json", create_app(Pipeline(fake_parts()), store))


@pytest.mark.system
def test_every_route_keeps_what_the_document_says(fuzzed: Any) -> None:  # noqa: ANN401
    broken = [found for result in fuzzed.get_all_operations() if (found := broken_by(result.ok()))]
    assert broken == []


def broken_by(operation: Any) -> str:  # noqa: ANN401
    """Return what an operation does against the document when it is sent whatever the document allows."""

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    @given(case=operation.as_strategy())
    def sent(case: Any) -> None:  # noqa: ANN401
        if operation.path == "/v1/events":
            case.query = {**(case.query or {}), "once": "true"}  # the other way it never ends
        case.call_and_validate(excluded_checks=LEFT_OUT)

    try:
        sent()
    except FailureGroup as failures:
        return f"{operation.label}: {failures.exceptions}"
    return ""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('document') / 'city.db'}") as store:
        described: dict[str, Any] = create_app(Pipeline(fake_parts()), store).openapi()
    return described


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        yield from ((f"{method.upper()} {path}", operation) for method, operation in methods.items())


def test_every_route_says_what_it_does_and_how_it_fails(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"].endswith("."), name
        assert operation["tags"], name
        if name.split()[1].startswith("/v1/"):
            problem = operation["responses"]["default"]["content"]["application/problem+json"]["schema"]
            assert problem == {"$ref": "#/components/schemas/Problem"}, name


def test_every_body_has_an_example(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            name_of_schema = content["schema"].get("$ref", "").split("/")[-1]
            body = document["components"]["schemas"].get(name_of_schema, content["schema"])
            assert body.get("examples"), name


def test_the_document_is_openapi_3_1_and_its_references_lead_somewhere(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    text = str(document)
    for part in text.split("#/components/schemas/")[1:]:
        assert part.split("'")[0] in document["components"]["schemas"]
