"""Small articles, and a search over them with the fake encoder."""

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np

from kb.articles import Article
from kb.building import build_index
from kb.index import Snapshot
from kb.no_answer import Logistic, NoAnswerModel
from kb.search import SectionSearch, Weights
from kb.sections import Section
from tests.fakes import FakeEncoder
from triage.types import Audience, Prediction, Query

DIM = 64
TODAY = date(2026, 11, 22)

# By hand: the probability grows with the words found, whatever the fake vectors say.
PLAIN_MODEL = NoAnswerModel(
    dense=Logistic(intercept=-3.0, coefficients={"coverage": 6.0}),
    lexical=Logistic(intercept=-3.0, coefficients={"coverage": 6.0}),
    answer_from=0.6,
    possible_from=0.3,
    version="plain",
)


def article(name: str, *, title: str, text: str = "", sections: Sequence[Section] = (), **fields: object) -> Article:
    """Return an article of one section, or of those given."""
    return Article(id=name, title=title, sections=tuple(sections) or (Section(heading="", text=text),), **fields)  # type: ignore[arg-type]


COUCH = article(
    "bulky",
    title="Bulky item pickup",
    text="Two pickups a year are free. Book a couch or a mattress with 311.",
    aliases=("get rid of an old sofa",),
    service_types=("waste.bulky",),
    url="https://city.example/bulky",
    reviewed_on=date(2026, 5, 1),
)
POTHOLE = article(
    "pothole",
    title="Report a pothole",
    text="Potholes are filled in three days.",
    service_types=("streets.pothole",),
)
WATER = article(
    "water",
    title="Water bill",
    service_types=("billing.high_bill", "water.leak"),
    sections=(
        Section(heading="", text="The bill comes monthly."),
        Section(heading="Late fees", text="A late payment costs 1.5 percent."),
        Section(heading="Agent notes", text="Never quote the hardship waiver code.", audience=Audience.INTERNAL),
    ),
)


def snapshot_of(*articles: Article) -> Snapshot:
    """Return a snapshot in memory."""
    return build_index(articles, FakeEncoder(DIM))


def search_of(
    *articles: Article, weights: Weights | None = None, clock: Callable[[], date] = lambda: TODAY
) -> SectionSearch:
    """Return a search over articles; without any over COUCH, POTHOLE and WATER."""
    snapshot = snapshot_of(*(articles or (COUCH, POTHOLE, WATER)))
    return SectionSearch(snapshot, no_answer=PLAIN_MODEL, weights=weights, clock=clock)


def query(text: str, *, language: str = "en", types: Sequence[Prediction] = (), has_vector: bool = True) -> Query:
    """Return a query with the fake encoder's vector, or with one of zeros."""
    vector = FakeEncoder(DIM).encode([text])[0] if has_vector else np.zeros(DIM, dtype=np.float32)
    return Query(text=text, vector=vector, service_types=tuple(types), language=language)
