"""What the tests of resources share: a service that triages everything alike, and one contact in it."""

from typing import Any

from fastapi.testclient import TestClient

COUCH = "someone dumped a couch behind 2210 Florin Rd"


def made(client: TestClient, name: str = "m-1", **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """Store a contact and return it."""
    response = client.post("/v1/contacts", json={"id": name, "text": COUCH, **fields})
    assert response.status_code == 201, response.text
    answer: dict[str, Any] = response.json()
    return answer


def decided(client: TestClient, version: int | str, name: str = "m-1", **body: Any) -> Any:  # noqa: ANN401
    """Decide on a contact at a version."""
    seen = version if isinstance(version, str) else f'"{version}"'
    return client.post(f"/v1/contacts/{name}/decisions", json=body, headers={"If-Match": seen})


def check_problem(response: Any, status: int, said: str = "") -> dict[str, Any]:  # noqa: ANN401
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert said in problem["detail"]
    return problem
