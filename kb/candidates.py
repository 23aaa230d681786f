"""The articles that are compared with one query: their rows, their members, and the best of them."""

from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from kb.index import Mask, Rows, Snapshot
from kb.lexical import joined_ranges
from triage.types import Vectors

Numbers: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Articles that are compared with a query, and where their sections and questions lie.

    `sections` and `questions` hold the rows of all articles one after the other; `section_starts` has an entry an
    article, `question_starts` one for each article that has questions, which `asked` tells.
    """

    articles: Rows
    sections: Rows
    section_starts: Rows
    section_sizes: Rows
    questions: Rows
    question_starts: Rows
    asked: Mask
    section_vectors: Vectors
    question_vectors: Vectors
    heading_vectors: Vectors

    @classmethod
    def of(cls, snapshot: Snapshot, articles: Rows) -> Self:
        """Gather the rows of some articles, in their order."""
        section_firsts, question_firsts = snapshot.sections_from[articles], snapshot.questions_from[articles]
        section_sizes = snapshot.sections_from[articles + 1] - section_firsts
        question_sizes = snapshot.questions_from[articles + 1] - question_firsts
        asked = question_sizes > 0
        sections = joined_ranges(section_firsts, section_sizes)
        questions = joined_ranges(question_firsts, question_sizes)
        return cls(
            articles=articles,
            sections=sections,
            section_starts=np.cumsum(section_sizes) - section_sizes,
            section_sizes=section_sizes,
            questions=questions,
            question_starts=(np.cumsum(question_sizes) - question_sizes)[asked],
            asked=asked,
            section_vectors=snapshot.section_index.vectors[sections],
            question_vectors=snapshot.question_index.vectors[questions],
            heading_vectors=snapshot.heading_vectors[sections],
        )

    def question_cosines(self, vector: Vectors, by_section: Numbers) -> Numbers:
        """Return for each section its best cosine with its article's title and aliases and with its own heading.

        Where an article has neither title nor alias, its best section stands for them.
        """
        best = np.maximum.reduceat(by_section, self.section_starts)
        if self.asked.any():
            best[self.asked] = np.maximum.reduceat(self.question_vectors @ vector, self.question_starts)
        cosines: Numbers = np.maximum(np.repeat(best, self.section_sizes), self.heading_vectors @ vector)
        return cosines


@dataclass(frozen=True, slots=True)
class Scored:
    """Members and weighted sum of every section of the candidates, aligned with `candidates.sections`."""

    candidates: Candidates
    section: Numbers
    question: Numbers
    lexical: Numbers
    fused: Numbers

    def best(self) -> Numbers:
        """Return the weighted sum of each article's best section, shape (n_articles,)."""
        return np.maximum.reduceat(self.fused, self.candidates.section_starts)

    def best_row(self, place: int) -> int:
        """Return the row of the best section of an article; ties go to the earlier section."""
        start = int(self.candidates.section_starts[place])
        size = int(self.candidates.section_sizes[place])
        return start + int(self.fused[start : start + size].argmax())

    def same_row(self, row: int, place: int, other: int, internal: Mask) -> int:
        """Return the row of the section of `other` that stands where `row` stands in `place`: its translation.

        Sections for agents only, which `internal` marks in the snapshot, are counted apart from the others. Where the
        two versions are cut otherwise it is the best section of `other` for the same readers, else its best of all.
        """
        ours, theirs = self._rows(place, row, internal), self._rows(other, row, internal)
        if len(ours) == len(theirs):
            return theirs[ours.index(row)]
        return max(theirs, key=self.fused.__getitem__) if theirs else self.best_row(other)

    def _rows(self, place: int, like: int, internal: Mask) -> list[int]:
        """Return the rows of an article that are for the readers of the row `like`, in order."""
        start = int(self.candidates.section_starts[place])
        sections = self.candidates.sections[start : start + int(self.candidates.section_sizes[place])]
        rows: list[int] = (
            start + np.flatnonzero(internal[sections] == internal[self.candidates.sections[like]])
        ).tolist()
        return rows


def positive(values: Numbers, k: int) -> Rows:
    """Return the places of the k largest values above 0, in no order."""
    places = np.flatnonzero(values > 0)
    if len(places) <= k:
        return places
    return places[np.argpartition(values[places], -k)[-k:]]


def best_places(values: Numbers, k: int) -> Rows:
    """Return the places of the k largest values, best first; ties go to the lower place."""
    if len(values) <= 4 * k:
        return np.argsort(-values, kind="stable")[:k]
    places = np.flatnonzero(values >= np.partition(values, -k)[-k])
    return places[np.argsort(-values[places], kind="stable")[:k]]
