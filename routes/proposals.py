"""Changes to articles that agents propose and editors accept or refuse."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field

from kb.changes import Change, changes
from kb.editing import checked, write_article
from kb.wordings import propose
from routes.access import require
from routes.articles import ArticleId, parsed
from routes.fields import Body, Id, Tag
from routes.once import Idempotent, json_response
from routes.problems import problems
from routes.services import Given, Services
from triage.access import Actor, Right
from triage.errors import DataError, DecisionConflict, NotFound, RequestRejected
from triage.masking import WITH_PLACES, mask
from triage.store.articles import Proposal, ProposalKind

router = APIRouter(prefix="/v1/kb", tags=["knowledge base"])
_UNKNOWN = problems(s404="No proposal has that number.")
NOT_WRITTEN = "the starter articles belong to the program and stay as they are: set TRIAGE_ARTICLES to the city's own"


class ProposalRequest(Body):
    """What should change: the whole file of the article as it should be, or a wording that it is also asked as."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"kind": "alias", "text": "where do i leave my old couch", "language": "en"}]},
    )

    kind: ProposalKind
    text: Annotated[str, Field(min_length=1, max_length=200_000)]
    language: Tag | None = None


class ReviewRequest(Body):
    """Whether a proposal is accepted."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"accepted": True}]})

    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalAnswer:
    """A proposal and what it changes.

    Attributes:
        title: Of the article as it stands.
        outdated: Whether the article has changed since; such an edit can only be refused.
        changes: From the article as it stood when it was proposed; empty for a wording.
    """

    proposal: Proposal
    title: str
    outdated: bool
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewAnswer:
    """What became of a proposal.

    Attributes:
        written: Whether the article's file was changed; a wording changes the index alone.
        detail: Why it was not, where an accepted edit was not written.
    """

    proposal: Proposal
    written: bool
    detail: str | None


@router.post(
    "/articles/{article_id}/proposals",
    status_code=201,
    response_model=Proposal,
    responses=problems(s404="There is no such article."),
)
def propose_change(
    article_id: ArticleId,
    request: ProposalRequest,
    services: Given,
    once: Idempotent,
    actor: Annotated[Actor, require(Right.KB_READ)],
) -> Response:
    """Propose a change of an article; it waits for an editor. Personal data in a wording is masked."""
    return once.answer(lambda: _proposed(services, article_id, request, actor))


@router.get("/proposals", dependencies=[require(Right.KB_WRITE)], responses=problems())
def list_proposals(
    services: Given, every: Annotated[bool, Query(description="Those that were reviewed, too.")] = False
) -> list[ProposalAnswer]:
    """Return proposals that wait for review, oldest first, 200 at most."""
    return [_shown(services, one) for one in services.store.articles.proposals(open_only=not every)[:200]]


@router.post("/proposals/{proposal_id}/review", responses=_UNKNOWN)
def review_proposal(
    proposal_id: Id,
    request: ReviewRequest,
    services: Given,
    http: Request,
    actor: Annotated[Actor, require(Right.KB_WRITE)],
) -> ReviewAnswer:
    """Accept or refuse a proposal; the first review stands. An accepted edit is written into the city's articles."""
    store = services.store.articles
    proposal = store.proposal(proposal_id)
    is_edit = proposal.kind is ProposalKind.EDIT and request.accepted
    if is_edit and _shown(services, proposal).outdated:
        raise DecisionConflict("the article has changed since this was proposed: refuse it, and propose it anew")
    # Claimed before the file is written: what another editor has refused meanwhile is never published.
    is_mine = store.claim_review(proposal_id, request.accepted, actor.name)
    written = is_mine and is_edit and _written(services, proposal, actor)
    detail = NOT_WRITTEN if is_mine and is_edit and not written else None
    return ReviewAnswer(proposal=store.proposal(proposal_id), written=written, detail=detail)


def _proposed(services: Services, article_id: str, request: ProposalRequest, actor: Actor) -> Response:
    try:
        number = _stored(services, article_id, request, actor)
    except DataError as error:
        raise RequestRejected(str(error)) from None
    stored = services.store.articles.proposal(number)
    return json_response(stored, status=201, headers={"Location": f"/v1/kb/proposals/{number}"})


def _stored(services: Services, article_id: str, request: ProposalRequest, actor: Actor) -> int:
    store = services.store.articles
    standing = store.current(article_id).document
    if standing is None:
        raise NotFound(f"the article {article_id} was taken away")
    if request.kind is ProposalKind.EDIT:
        text = checked(article_id, request.text)
        if text == standing:
            raise DataError("the proposed text is the one that stands: change something")
        return store.propose(article_id, ProposalKind.EDIT, text, actor.name, language=request.language)
    wording = mask(request.text, services.pipeline.parts.entities.find(request.text), kinds=WITH_PLACES)
    number = propose(store, parsed(article_id, standing), wording, by=actor.name, language=request.language)
    if number is None:
        raise DataError(
            "the wording is known, was reviewed before, is longer than 25 words, or names a person or place"
        )
    return number


def _shown(services: Services, proposal: Proposal) -> ProposalAnswer:
    store = services.store.articles
    base = store.at(proposal.article_id, proposal.created_at)
    now = store.current(proposal.article_id)
    is_edit = proposal.kind is ProposalKind.EDIT
    return ProposalAnswer(
        proposal=proposal,
        title=_title(proposal.article_id, now.document),
        outdated=is_edit and proposal.accepted is None and (base is None or base.version != now.version),
        changes=changes((base.document if base else None) or "", proposal.text) if is_edit else (),
    )


def _title(article_id: str, document: str | None) -> str:
    try:
        return parsed(article_id, document or "").title
    except DataError:
        return article_id


def _written(services: Services, proposal: Proposal, actor: Actor) -> bool:
    """Write an accepted edit where the articles are the city's own; tell whether it was. It waits again if it fails."""
    if services.articles is None:
        return False
    try:
        write_article(services.articles, proposal.article_id, proposal.text)
    except Exception as error:  # whatever it is: an edit that is not written was not accepted
        services.store.articles.reopen(proposal.id)
        if isinstance(error, DataError):
            raise RequestRejected(str(error)) from None
        raise
    services.store.articles.keep_version(proposal.article_id, proposal.text, actor.name)
    return True
