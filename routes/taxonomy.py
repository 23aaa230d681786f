"""The city's service types."""

from fastapi import APIRouter
from pydantic import BaseModel

from routes.access import require
from routes.services import Given
from triage.access import Right
from triage.taxonomy import ServiceType

router = APIRouter(prefix="/v1", tags=["service"])


class TaxonomyAnswer(BaseModel):
    """Every service type, in the order of the city's file."""

    version: str
    service_types: list[ServiceType]


@router.get("/taxonomy", dependencies=[require(Right.KB_READ)])
def read_taxonomy(services: Given) -> TaxonomyAnswer:
    """Return the service types with their departments, target hours and questions."""
    taxonomy = services.pipeline.parts.taxonomy
    return TaxonomyAnswer(version=taxonomy.version, service_types=list(taxonomy.service_types))
