"""Fields that several resources have in common, with their limits."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_PLAIN = r"^[^\x00-\x1f\x7f]+$"
LARGEST_ID = 2**63 - 1


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty")
    return value


class Body(BaseModel):
    """A request body: an unknown field is refused."""

    model_config = ConfigDict(extra="forbid")


MessageId = Annotated[
    str, Path(max_length=2_000, description="The message's identity.", examples=["m-5f0c1e7a9b3d4c21"])
]
Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]

Code = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\w.\-]+$", examples=["waste.dumping"])]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=_PLAIN)]
Tag = Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", examples=["zh-Hant"])]
Note = Annotated[str, Field(max_length=4_000), AfterValidator(_not_blank)]
Line = Annotated[str, Field(max_length=300, pattern=_PLAIN), AfterValidator(_not_blank)]
KnownMessage = Annotated[str, Field(min_length=1, max_length=2_000, pattern=_PLAIN, examples=["m-5f0c1e7a9b3d4c21"])]
