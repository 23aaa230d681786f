"""How an error is answered: RFC 9457, in the OpenAPI document of every route."""

from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

MEDIA_TYPE: Final = "application/problem+json"
NAME: Final = "Problem"
_CONTENT: Final = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{NAME}"}}}


class Problem(BaseModel):
    """What went wrong and what to do; it quotes nothing that a resident wrote."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Not found",
                    "status": 404,
                    "detail": "no message m-7 is stored",
                    "instance": "/v1/contacts/m-7",
                }
            ]
        },
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str


def problems(**described: str) -> dict[int | str, dict[str, Any]]:
    """Return the answers of a route that are problems, for its `responses`.

    Args:
        described: What each status means here, as `s404="No such contact."`; any other problem is `default`.
    """
    named: dict[int | str, str] = {int(name[1:]): text for name, text in described.items()}
    known: dict[int | str, str] = {422: "The request breaks a rule; every broken rule is named.", **named}
    known["default"] = "Any other problem, such as 401, 403, 429 or 503."
    return {status: {"description": text, "content": _CONTENT} for status, text in known.items()}


def describe(app: FastAPI) -> None:
    """Put the form of a problem into the application's OpenAPI document."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain()
        document["components"]["schemas"][NAME] = Problem.model_json_schema()
        return document

    app.openapi = openapi  # type: ignore[method-assign]
