"""One message's way: the order of the steps, and how each one degrades.

Every step takes the whole batch; one message is a batch of one. `batch.step` guards each of them. The tripwire is
not guarded: a message that it cannot read must not be answered as if it were safe.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from triage.answering import Findings, answered, suggestions_of
from triage.batch import Batch
from triage.errors import ComponentError
from triage.further import Cut, best_cut, cuts_of, further_types, may_tell_more
from triage.keywords import KeywordClassifier
from triage.languages import MIXED, name_of
from triage.protocols import (
    Classifier,
    DangerFinder,
    EntityFinder,
    KindTeller,
    KnowledgeBase,
    LanguageDetector,
    ListeningEncoder,
    Policy,
    Translator,
    Tripwire,
    UrgencyRater,
)
from triage.safety import combine
from triage.taxonomy import CATCH_ALL, ServiceType, Taxonomy
from triage.text import has_words, leaves_out, readable
from triage.types import (
    Decision,
    Encoded,
    Entity,
    FurtherType,
    Language,
    Message,
    Mode,
    Prediction,
    Query,
    Reason,
    RequestKind,
    Safety,
    SafetyHit,
    SearchFilter,
    SearchResult,
    ServiceTypeSuggestion,
    Translate,
    Translation,
    TranslationStatus,
    Triage,
    Urgency,
    UrgencyLevel,
    Vectors,
    Versions,
)

ENGLISH = "en"
NO_FILTER = SearchFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything the pipeline works with; `wiring` chooses the concrete classes."""

    taxonomy: Taxonomy
    tripwire: Tripwire
    danger: DangerFinder
    detector: LanguageDetector
    entities: EntityFinder
    encoder: ListeningEncoder
    classifier: Classifier
    kind: KindTeller
    urgency: UrgencyRater
    kb: KnowledgeBase
    translator: Translator
    policy: Policy


class Pipeline:
    """Triages messages; holds no state between them and may be called from several threads."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._keywords = KeywordClassifier(parts.taxonomy)

    @property
    def versions(self) -> Versions:
        """What produces a triage now; the knowledge base's changes while it is served."""
        parts = self.parts
        return Versions(
            classifier=parts.classifier.version,
            encoder=parts.encoder.version,
            detector=parts.detector.version,
            translator=parts.translator.version,
            safety=f"{parts.tripwire.version}+{parts.danger.version}",
            taxonomy=parts.taxonomy.version,
            kb=parts.kb.version,
            policy=parts.policy.version,
        )

    def triage(self, message: Message, *, translate: Translate = Translate.WAIT) -> Triage:
        """Triage one message: a batch of one."""
        return self.triage_batch([message], translate=translate)[0]

    def triage_batch(self, messages: Sequence[Message], *, translate: Translate = Translate.WAIT) -> list[Triage]:
        """Triage messages, in their order.

        Args:
            messages: What came in.
            translate: Whether the answers wait for their translation; one that comes later is `pending` in them.

        Raises:
            Exception: Only what the tripwire raises; every other step degrades.
        """
        if not messages:
            return []
        batch = Batch(messages, [readable(message) for message in messages])
        with batch.timed("safety"):
            hits = [self._tripwire_hits(message) for message in messages]
        detected = self._detect(batch)
        entities = self._find_entities(batch)
        encoded = self._encode(batch, detected)
        vectors = encoded.vectors
        heard = self._hear_danger(batch, encoded.alarms, detected, hits)
        predictions = self._classify(batch, vectors)
        further = self._tell_further(batch, predictions, detected)
        kinds = self._tell_kinds(batch)
        results = self._search(batch, vectors, predictions, detected)
        translations = self._translate(batch, detected, translate)
        with batch.timed("safety"):
            safeties = [
                combine(_standing((*hits[i], *self._english_hits(hits[i], translations[i])), heard[i]))
                for i in range(len(messages))
            ]
        urgencies = self._rate(batch, predictions, safeties, kinds)
        suggestions = [suggestions_of(found, self.parts.taxonomy) for found in predictions]
        decisions = self._decide(batch, suggestions, safeties, detected, translations)
        versions = self.versions
        return [
            answered(
                message,
                Findings(
                    language=detected[i],
                    entities=entities[i],
                    suggestions=suggestions[i],
                    further=further[i],
                    kind=kinds[i],
                    result=results[i],
                    translation=translations[i],
                    safety=safeties[i],
                    urgency=urgencies[i],
                    decision=decisions[i],
                    warnings=tuple(batch.warnings[i]),
                    degraded=tuple(batch.degraded[i]),
                ),
                self.parts.taxonomy,
                versions,
                batch.timings_ms,
            )
            for i, message in enumerate(messages)
        ]

    def search(self, question: str, *, k: int = 5, chosen: SearchFilter = NO_FILTER) -> SearchResult:
        """Search the knowledge base for a question in any language, with the types it is likely about.

        Args:
            question: What the resident asks.
            k: How many answers at most.
            chosen: What an answer must be; applied before the search.
        """
        message = Message(id="question", text=question)
        batch = Batch([message], [readable(message)])
        detected = self._detect(batch)
        vectors = self._encode(batch, detected).vectors
        return self._search(batch, vectors, self._classify(batch, vectors), detected, k=k, chosen=chosen)[0]

    # The steps, in order; each returns one value a message.

    def _tripwire_hits(self, message: Message) -> tuple[SafetyHit, ...]:
        """Return the hits in the text, and those in the subject, which have no place in the text."""
        hits = self.parts.tripwire.check(message.text)
        if not message.subject:
            return hits
        in_subject = self.parts.tripwire.check(message.subject)
        return (*hits, *(_unplaced(hit) for hit in in_subject))

    def _english_hits(self, found: Sequence[SafetyHit], translation: Translation) -> list[SafetyHit]:
        """Return what only the translation shows: hits are added, never taken away."""
        if not translation.text:
            return []
        rules = {hit.rule for hit in found}
        return [_unplaced(hit) for hit in self.parts.tripwire.check(translation.text) if hit.rule not in rules]

    def _detect(self, batch: Batch) -> list[Language]:
        def detect(chosen: Sequence[int]) -> list[Language]:
            hints = [batch.messages[i].language_hint for i in chosen]
            return self.parts.detector.detect([_whole(batch.messages[i]) for i in chosen], hints)

        found = batch.step("detector", "detect", detect, lambda _: Language.unknown())
        for i, language in enumerate(found):
            if not has_words(batch.messages[i].text):
                batch.warnings[i].append("no words to read: only numbers, signs or emoji")
            elif language.code == "und":
                batch.warnings[i].append("the language could not be told")
            elif language.method == MIXED:
                batch.warnings[i].append(f"written in two languages: also in {name_of(language.runner_up)}")
        return found

    def _hear_danger(
        self,
        batch: Batch,
        alarms: Vectors,
        detected: Sequence[Language],
        hits: Sequence[tuple[SafetyHit, ...]],
    ) -> list[tuple[SafetyHit, ...] | None]:
        """Return what the learned part hears; None, so that every rule stands, where it fails."""

        def hear(chosen: Sequence[int]) -> list[tuple[SafetyHit, ...] | None]:
            texts = [_whole(batch.messages[i]) for i in chosen]
            return self.parts.danger.find(
                texts,
                self._alarms_of_all(batch, alarms, detected, chosen),
                [detected[i] for i in chosen],
                [hits[i] for i in chosen],
            )

        return batch.step("danger", "danger", hear, lambda _: None)

    def _alarms_of_all(
        self, batch: Batch, alarms: Vectors, detected: Sequence[Language], chosen: Sequence[int]
    ) -> Vectors:
        """Return the alarms, also of what no model reads: below a signature or in quoted mail may stand a danger."""
        louder = alarms[list(chosen)]
        cut = [at for at, i in enumerate(chosen) if leaves_out(batch.messages[i])]
        if cut:
            numbers = [chosen[at] for at in cut]
            whole = self.parts.encoder.read(
                [_whole(batch.messages[i]) for i in numbers], [detected[i] for i in numbers]
            )
            louder[cut] = np.fmax(louder[cut], whole.alarms)
        return louder

    def _find_entities(self, batch: Batch) -> list[tuple[Entity, ...]]:
        def find(chosen: Sequence[int]) -> list[tuple[Entity, ...]]:
            return [self.parts.entities.find(batch.messages[i].text) for i in chosen]

        return batch.step("entities", "entities", find, lambda _: ())

    def _encode(self, batch: Batch, detected: Sequence[Language]) -> Encoded:
        def encode(chosen: Sequence[int]) -> list[tuple[Vectors, Vectors]]:
            found = self.parts.encoder.read([batch.texts[i] for i in chosen], [detected[i] for i in chosen])
            return list(zip(found.vectors, found.alarms, strict=True))

        nothing = np.zeros(self.parts.encoder.dim, dtype=np.float32), np.full(2, np.nan, dtype=np.float32)
        read = batch.step("encoder", "encode", encode, lambda _: nothing)
        return Encoded(vectors=np.stack([vector for vector, _ in read]), alarms=np.stack([alarm for _, alarm in read]))

    def _classify(self, batch: Batch, vectors: Vectors) -> list[tuple[Prediction, ...]]:
        def classify(chosen: Sequence[int]) -> list[tuple[Prediction, ...]]:
            return self.parts.classifier.classify([batch.texts[i] for i in chosen], vectors[list(chosen)])

        predictions = batch.step("classifier", "classify", classify, lambda i: self._keywords.classify(batch.texts[i]))
        unreadable = (Prediction(label=CATCH_ALL, probability=1.0),)
        return [found if has_words(batch.texts[i]) else unreadable for i, found in enumerate(predictions)]

    def _tell_further(
        self, batch: Batch, predictions: Sequence[tuple[Prediction, ...]], detected: Sequence[Language]
    ) -> list[tuple[FurtherType, ...]]:
        """Return the further matter of each message that leans to a second type and has two sides."""
        leaning = [i for i, found in enumerate(predictions) if may_tell_more(found)]
        cuts = {i: found for i in leaning if (found := cuts_of(batch.messages[i].text))}

        def tell(chosen: Sequence[int]) -> list[tuple[FurtherType, ...]]:
            best = [self._cut(batch.messages[i].text, cuts[i], predictions[i]) for i in chosen]
            sides = [side for i, cut in zip(chosen, best, strict=True) for side in cut.sides(batch.messages[i].text)]
            vectors = self.parts.encoder.encode(sides, [detected[i] for i in chosen for _ in range(2)])
            ranked = self.parts.classifier.classify(sides, vectors)
            return [
                further_types(predictions[i], cut, ranked[2 * n : 2 * n + 2])
                for n, (i, cut) in enumerate(zip(chosen, best, strict=True))
            ]

        told = batch.step("classifier", "classify", tell, lambda _: (), only=list(cuts))
        by_number = dict(zip(cuts, told, strict=True))
        return [by_number.get(i, ()) for i in range(len(batch.messages))]

    def _cut(self, text: str, cuts: Sequence[Cut], whole: tuple[Prediction, ...]) -> Cut:
        """Return the cut that the words alone find best: no vector, hardly any time."""
        if len(cuts) == 1:
            return cuts[0]
        sides = [side for cut in cuts for side in cut.sides(text)]
        without = np.zeros((len(sides), self.parts.encoder.dim), dtype=np.float32)
        return cuts[best_cut(whole, self.parts.classifier.classify(sides, without))]

    def _tell_kinds(self, batch: Batch) -> list[RequestKind]:
        def tell(chosen: Sequence[int]) -> list[RequestKind]:
            return [self.parts.kind.kind_of(batch.messages[i].text) for i in chosen]

        return batch.step("kind", "kind", tell, lambda _: RequestKind.OTHER)

    def _search(
        self,
        batch: Batch,
        vectors: Vectors,
        predictions: Sequence[tuple[Prediction, ...]],
        detected: Sequence[Language],
        *,
        k: int = 3,
        chosen: SearchFilter = NO_FILTER,
    ) -> list[SearchResult]:
        def search(numbers: Sequence[int]) -> list[SearchResult]:
            queries = [
                Query(
                    text=batch.texts[i],
                    vector=vectors[i],
                    service_types=predictions[i],
                    language=detected[i].code,
                    filter=chosen,
                )
                for i in numbers
            ]
            return self.parts.kb.search(queries, k=k)

        return batch.step("kb", "search", search, lambda _: SearchResult())

    def _translate(self, batch: Batch, detected: Sequence[Language], when: Translate) -> list[Translation]:
        translations = [Translation(status=TranslationStatus.NOT_NEEDED)] * len(batch.messages)
        foreign = [i for i, language in enumerate(detected) if _needs_translation(language, batch.messages[i].text)]

        def translate(chosen: Sequence[int]) -> list[Translation]:
            texts, codes = [batch.messages[i].text for i in chosen], [detected[i].code for i in chosen]
            return [_checked(translation) for translation in self.parts.translator.translate(texts, codes)]

        def postpone(chosen: Sequence[int]) -> list[Translation]:
            return [self._postponed(detected[i], when) for i in chosen]

        done = batch.step(
            "translator",
            "translate",
            translate if when is Translate.WAIT else postpone,
            lambda _: Translation(status=TranslationStatus.UNAVAILABLE),
            only=foreign,
        )
        for i, translation in zip(foreign, done, strict=True):
            translations[i] = translation
            if translation.status is TranslationStatus.PENDING:
                batch.warnings[i].append("the translation comes as an update")
            elif translation.text is None:
                batch.warnings[i].append("not translated: the original text is shown")
        return translations

    def _postponed(self, language: Language, when: Translate) -> Translation:
        can_come = when is Translate.LATER and self.parts.translator.reads(language.code)
        return Translation(status=TranslationStatus.PENDING if can_come else TranslationStatus.UNAVAILABLE)

    def _rate(
        self,
        batch: Batch,
        predictions: Sequence[tuple[Prediction, ...]],
        safeties: Sequence[Safety],
        kinds: Sequence[RequestKind],
    ) -> list[Urgency]:
        types = [self._service_type_of(found) for found in predictions]

        def rate(chosen: Sequence[int]) -> list[Urgency]:
            return [
                self.parts.urgency.rate(
                    _whole(batch.messages[i]), service_type=types[i], safety=safeties[i], kind=kinds[i]
                )
                for i in chosen
            ]

        def by_type(i: int) -> Urgency:
            return Urgency(level=types[i].default_urgency, probability=0.0)

        rated = batch.step("urgency", "urgency", rate, by_type)
        placed = [_placed_in_text(urgency, message) for urgency, message in zip(rated, batch.messages, strict=True)]
        return [_at_least_as_safety_says(urgency, safety) for urgency, safety in zip(placed, safeties, strict=True)]

    def _decide(
        self,
        batch: Batch,
        suggestions: Sequence[tuple[ServiceTypeSuggestion, ...]],
        safeties: Sequence[Safety],
        detected: Sequence[Language],
        translations: Sequence[Translation],
    ) -> list[Decision]:
        def decide(chosen: Sequence[int]) -> list[Decision]:
            return [
                self.parts.policy.decide(
                    suggestions[i],
                    safety=safeties[i],
                    language=detected[i],
                    translation=translations[i],
                    degraded=batch.degraded[i],
                    channel=batch.messages[i].channel,
                )
                for i in chosen
            ]

        return batch.step("policy", "policy", decide, lambda i: _ask(suggestions[i]))

    def _service_type_of(self, predictions: Sequence[Prediction]) -> ServiceType:
        known = (self.parts.taxonomy[found.label] for found in predictions if found.label in self.parts.taxonomy)
        return next(known, self.parts.taxonomy[CATCH_ALL])


def _whole(message: Message) -> str:
    return f"{message.text}\n{message.subject}" if message.subject else message.text


def _needs_translation(language: Language, text: str) -> bool:
    return language.code != ENGLISH and has_words(text)


def _checked(translation: object) -> Translation:
    """Return what a translation engine gave, if it is a translation: the tripwire reads it next."""
    if not isinstance(translation, Translation) or not isinstance(translation.text, str | None):
        raise ComponentError(f"the translator must give translations, got {type(translation).__name__}")
    return translation


def _standing(hits: Sequence[SafetyHit], heard: Sequence[SafetyHit] | None) -> tuple[SafetyHit, ...]:
    """Return the hits that stand: every sure one, the others where danger is heard too, and what only the ear heard.

    Where a rule that is sure has named a line, the ear names no other: it tells a crisis from an attempt less well.
    """
    if heard is None:
        return tuple(hits)
    sure = tuple(hit for hit in hits if hit.sure or hit.line is None)
    if not heard:
        return sure
    lines = {hit.line for hit in hits}
    named = any(hit.line for hit in sure)
    return (*hits, *(hit for hit in heard if not named and hit.line not in lines))


def _unplaced(hit: SafetyHit) -> SafetyHit:
    return replace(hit, start=None, end=None)


def _placed_in_text(urgency: Urgency, message: Message) -> Urgency:
    """Take the offsets from reasons that stand in the subject: it was read after the text, and is no part of it."""
    inside = len(message.text)
    reasons = tuple(
        Reason(rule=reason.rule, text=reason.text) if reason.end is not None and reason.end > inside else reason
        for reason in urgency.reasons
    )
    return replace(urgency, reasons=reasons)


def _at_least_as_safety_says(urgency: Urgency, safety: Safety) -> Urgency:
    if not safety.emergency or urgency.level is UrgencyLevel.EMERGENCY:
        return urgency
    return replace(urgency, level=UrgencyLevel.EMERGENCY, probability=1.0)


def _ask(suggestions: Sequence[ServiceTypeSuggestion]) -> Decision:
    """Return the decision that stands where the policy failed."""
    best = suggestions[0] if suggestions else None
    return Decision(
        mode=Mode.ASK,
        service_type=best.code if best else None,
        department=best.department if best else None,
        reasons=("policy did not work on this message",),
    )
