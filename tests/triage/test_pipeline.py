"""The order of the steps, every row of the degradation table (DESIGN § 2), and the public contract (§ 3)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import (
    ANSWER,
    POISON,
    FailingClassifier,
    FailingDangerFinder,
    FailingDetector,
    FailingEncoder,
    FailingEntityFinder,
    FailingKindTeller,
    FailingKnowledgeBase,
    FailingPolicy,
    FailingTranslator,
    FailingTripwire,
    FailingUrgencyRater,
    FakeClassifier,
    FakeDangerFinder,
    FakeDetector,
    FakeEncoder,
    FakeEntityFinder,
    FakeKnowledgeBase,
    FakeTranslator,
    FakeTripwire,
    fake_parts,
)
from triage.errors import ComponentError
from triage.pipeline import Pipeline
from triage.protocols import DangerFinder
from triage.types import (
    AnswerStatus,
    Channel,
    Encoded,
    EntityKind,
    Interpreter,
    Language,
    Message,
    Mode,
    Prediction,
    RequestKind,
    Safety,
    SafetyHit,
    Translate,
    Translation,
    TranslationStatus,
    Triage,
    UrgencyLevel,
    Vectors,
)

COUCH = "someone dumped a couch behind 2210 Florin Rd right now"
BASURA = "dejaron basura en la calle"


def triaged(text: str, *, subject: str | None = None, **parts: object) -> Triage:
    return Pipeline(fake_parts(**parts)).triage(Message(id="m-1", text=text, subject=subject))


def without_times(triage: Triage) -> Triage:
    return replace(triage, timings_ms={})


# One message


def test_every_step_has_its_say_in_the_answer() -> None:
    triage = triaged(COUCH)
    assert triage.language == Language(code="en", probability=0.99, runner_up="pt", method="fake")
    assert triage.translation == Translation(status=TranslationStatus.NOT_NEEDED)
    assert [found.code for found in triage.service_types] == [
        "waste.dumping",
        "animal.aggressive",
        "animal.barking",
        "animal.cruelty",
        "animal.injured",
    ]
    best = triage.service_types[0]
    assert (best.name, best.department, best.probability) == ("Illegal dumping", "Solid waste", 0.9)
    assert best.because == ("couch",)
    assert triage.request_kind is RequestKind.REPORT
    assert [(reason.text, reason.start, reason.end) for reason in triage.urgency.reasons] == [("right now", 45, 54)]
    assert [(entity.kind, entity.text, entity.start, entity.end) for entity in triage.entities] == [
        (EntityKind.ADDRESS, "2210 Florin Rd", 30, 44)
    ]
    assert (triage.answer_status, triage.answers) == (AnswerStatus.ANSWER, (ANSWER,))
    assert (triage.decision.mode, triage.decision.service_type) == (Mode.SUGGEST, "waste.dumping")
    assert (triage.warnings, triage.degraded) == ((), ())


def test_the_message_keeps_its_own_id_and_channel() -> None:
    message = Message(id="  ünï/1 ", text=COUCH, channel=Channel.CALL)
    triage = Pipeline(fake_parts()).triage(message)
    assert (triage.message_id, triage.channel) == ("  ünï/1 ", Channel.CALL)


def test_the_versions_are_those_of_the_parts() -> None:
    parts = fake_parts()
    versions = Pipeline(parts).triage(Message(id="m", text=COUCH)).versions
    assert (versions.classifier, versions.encoder, versions.detector) == (
        "fake-classifier",
        "fake-encoder",
        "fake-detector",
    )
    assert (versions.translator, versions.safety, versions.kb) == ("fake-translator", "fake-tripwire+fake", "fake-kb")
    assert (versions.taxonomy, versions.policy) == (parts.taxonomy.version, "threshold-0.5")


def test_an_open_question_of_the_type_is_asked_next_and_not_when_it_is_answered() -> None:
    open_ = triaged("someone dumped a couch")
    answered = triaged(COUCH)
    assert open_.missing[0] == "address"
    assert open_.next_question == fake_parts().taxonomy["waste.dumping"].attributes[0].question
    assert "address" not in answered.missing


@pytest.mark.parametrize("text", ["🙏🙏🙏", "4471 2280", "?!", "👋 12"])
def test_a_message_without_words_is_kept_for_an_agent_as_other(text: str) -> None:
    triage = triaged(text)
    assert [(found.code, found.probability) for found in triage.service_types] == [("city.other", 1.0)]
    assert triage.language.code == "und"
    assert triage.translation.status is TranslationStatus.NOT_NEEDED
    assert triage.warnings == ("no words to read: only numbers, signs or emoji",)


def test_a_language_that_cannot_be_told_is_a_warning_and_an_agent_reads_it() -> None:
    triage = triaged("qwxz qwxz")
    assert triage.language == Language.unknown()
    assert triage.warnings == ("the language could not be told", "not translated: the original text is shown")
    assert triage.interpreter is not None
    assert triage.interpreter.ask_for == "identification of the language"
    assert triage.decision.mode is Mode.ASK
    assert triage.degraded == ()


def test_a_message_in_another_language_names_its_interpreter() -> None:
    triage = triaged(BASURA)
    assert triage.language.code == "es"
    assert triage.interpreter == Interpreter(
        language="Spanish",
        native_name="español",
        script="Latin",
        ask_for="Spanish",
        dialect_question="Spanish, or an indigenous language such as Mixteco, Mam or K'iche'?",
    )
    assert triage.translation.status is TranslationStatus.UNAVAILABLE
    assert triage.warnings == ("not translated: the original text is shown",)
    assert triage.decision.mode is triaged(COUCH).decision.mode
    assert triage.decision.reasons[-1] == "written in es, translation unavailable: an interpreter is named"


def test_a_label_that_the_city_does_not_have_is_left_out() -> None:
    triage = triaged("couch", classifier=FakeClassifier({"couch": "mars.rover"}))
    assert triage.service_types[0].code == "animal.aggressive"
    assert triage.urgency.level is fake_parts().taxonomy["animal.aggressive"].default_urgency


def test_the_knowledge_base_gets_the_vector_and_the_types_of_the_message() -> None:
    kb = FakeKnowledgeBase()
    triaged(COUCH, kb=kb)
    [query] = kb.queries
    assert query.text == COUCH
    assert float(np.linalg.norm(query.vector)) == pytest.approx(1.0)
    assert query.service_types[0].label == "waste.dumping"


# How each step degrades


class WrongCount:
    """Answers for one message too few, as a broken engine might."""

    version = "wrong-count"

    def detect(self, texts: Sequence[str], hints: Sequence[str | None]) -> list[Language]:
        return [Language(code="en", probability=1.0)] * (len(texts) - 1)


Check = Callable[[Triage], bool]
DEGRADATIONS: list[tuple[str, dict[str, object], str, Check]] = [
    ("detector", {"detector": FailingDetector()}, COUCH, lambda t: t.language == Language.unknown()),
    ("detector", {"detector": WrongCount()}, COUCH, lambda t: t.language == Language.unknown()),
    ("danger", {"danger": FailingDangerFinder()}, "gas smell", lambda t: t.safety.line == "911"),
    ("entities", {"entities": FailingEntityFinder()}, COUCH, lambda t: t.entities == () and "address" in t.missing),
    (
        "encoder",
        {"encoder": FailingEncoder()},
        COUCH,
        lambda t: t.service_types[0].code == "waste.dumping" and t.answers == (ANSWER,),
    ),
    ("classifier", {"classifier": FailingClassifier()}, COUCH, lambda t: t.service_types[0].probability < 0.5),
    ("classifier", {"classifier": FailingClassifier()}, "zzzz", lambda t: t.service_types[0].code == "city.other"),
    ("kind", {"kind": FailingKindTeller()}, "couch?", lambda t: t.request_kind is RequestKind.OTHER),
    (
        "urgency",
        {"urgency": FailingUrgencyRater()},
        COUCH,
        lambda t: t.urgency.level is fake_parts().taxonomy["waste.dumping"].default_urgency and not t.urgency.reasons,
    ),
    (
        "kb",
        {"kb": FailingKnowledgeBase()},
        COUCH,
        lambda t: t.answers == () and t.answer_status is AnswerStatus.NONE,
    ),
    (
        "translator",
        {"translator": FailingTranslator()},
        BASURA,
        lambda t: t.translation == Translation(status=TranslationStatus.UNAVAILABLE),
    ),
    (
        "policy",
        {"policy": FailingPolicy()},
        COUCH,
        lambda t: (t.decision.service_type, t.decision.department) == ("waste.dumping", "Solid waste"),
    ),
]


@pytest.mark.parametrize(("component", "parts", "text", "falls_back"), DEGRADATIONS)
def test_a_component_that_fails_is_named_and_an_agent_is_asked(
    component: str, parts: dict[str, object], text: str, falls_back: Check
) -> None:
    triage = Pipeline(fake_parts(**parts)).triage(Message(id="m-1", text=text))
    assert triage.degraded == (component,)
    assert f"{component} did not work; an agent should look" in triage.warnings
    assert triage.decision.mode is Mode.ASK
    assert f"{component} did not work on this message" in triage.decision.reasons
    assert falls_back(triage)


def test_a_failed_translation_shows_the_original() -> None:
    triage = triaged(BASURA, translator=FailingTranslator())
    assert triage.warnings == (
        "translator did not work; an agent should look",
        "not translated: the original text is shown",
    )


def test_a_failed_detector_warns_that_the_language_is_not_known() -> None:
    triage = triaged(COUCH, detector=FailingDetector())
    assert "the language could not be told" in triage.warnings


def test_a_classifier_that_fails_leaves_the_words_of_the_taxonomy_to_decide() -> None:
    triage = triaged("the traffic signal is dark and stuck", classifier=FailingClassifier())
    best = triage.service_types[0]
    assert best.code == "streets.traffic_signal"
    assert {"signal", "dark", "stuck", "traffic"} <= set(best.because)


def test_everything_may_fail_at_once_but_the_tripwire_still_speaks() -> None:
    triage = triaged(
        f"gas smell, {BASURA}",
        detector=FailingDetector(),
        entities=FailingEntityFinder(),
        encoder=FailingEncoder(),
        danger=FailingDangerFinder(),
        classifier=FailingClassifier(),
        kind=FailingKindTeller(),
        urgency=FailingUrgencyRater(),
        kb=FailingKnowledgeBase(),
        translator=FailingTranslator(),
        policy=FailingPolicy(),
    )
    assert triage.degraded == (
        "detector",
        "entities",
        "encoder",
        "danger",
        "classifier",
        "kind",
        "kb",
        "translator",
        "urgency",
        "policy",
    )
    assert (triage.safety.emergency, triage.safety.line) == (True, "911")
    assert triage.urgency.level is UrgencyLevel.EMERGENCY
    assert triage.decision.mode is Mode.ASK


def test_what_the_learned_ear_hears_is_added_to_what_the_rules_found() -> None:
    assert [hit.rule for hit in triaged("something uncanny in the hall").safety.reasons] == ["learned.danger"]
    assert triaged("something uncanny in the hall").urgency.level is UrgencyLevel.EMERGENCY


class ShoutingEncoder(FakeEncoder):
    """Sounds an alarm where a text says `uncanny`."""

    def read(self, texts: Sequence[str], languages: Sequence[Language] = ()) -> Encoded:
        alarms = np.array([[9.0 if "uncanny" in text else -9.0] * 2 for text in texts], dtype=np.float32)
        return Encoded(vectors=self.encode(texts, languages), alarms=alarms)


class AlarmFinder(FakeDangerFinder):
    """Trusts the alarm alone."""

    def find(
        self,
        texts: Sequence[str],
        alarms: Vectors,
        languages: Sequence[Language],
        hits: Sequence[Sequence[SafetyHit]],
    ) -> list[tuple[SafetyHit, ...] | None]:
        hit = SafetyHit(rule="learned.danger", text="", start=None, end=None, line="911")
        return [(hit,) if alarm[0] > 0 else () for alarm in alarms]


@pytest.mark.parametrize(
    "text",
    [
        "A question about my cart.\nFrom: my window, something uncanny comes tonight",
        "A question about my cart.\nSent from my phone, uncanny",
        "word " * 500 + "uncanny " + "word " * 500,
    ],
)
def test_a_danger_below_a_signature_or_in_a_long_middle_is_heard(text: str) -> None:
    triage = triaged(text, encoder=ShoutingEncoder(), danger=AlarmFinder())
    assert triage.safety.line == "911"
    assert triaged("A question about my cart", encoder=ShoutingEncoder(), danger=AlarmFinder()).safety == Safety()


def test_a_rule_that_is_not_sure_falls_where_the_learned_part_hears_nothing() -> None:
    assert triaged("gas smell, serene", tripwire=FakeTripwire(sure=False)).safety == Safety()
    assert triaged("gas smell, serene").safety.line == "911"


@pytest.mark.parametrize("danger", [FailingDangerFinder(), FakeDangerFinder()])
def test_every_rule_stands_where_the_learned_part_fails_or_cannot_judge(danger: DangerFinder) -> None:
    assert triaged("gas smell", tripwire=FakeTripwire(sure=False), danger=danger).safety.line == "911"


def test_a_line_that_a_rule_named_is_not_named_again() -> None:
    assert [hit.rule for hit in triaged("gas smell, uncanny").safety.reasons] == [
        hit.rule for hit in triaged("gas smell").safety.reasons
    ]


def test_garbage_from_translator_and_a_classifier_that_raises_silence_no_rule() -> None:
    class Garbage(FakeTranslator):
        def translate(self, texts: Sequence[str], languages: Sequence[str]) -> list[Translation]:
            return [Translation(status=TranslationStatus.MACHINE, text="\x00 la la la", engine="x") for _ in texts]

    triage = triaged(f"gas smell, {BASURA}", translator=Garbage(), classifier=FailingClassifier())
    assert (triage.safety.line, triage.urgency.level) == ("911", UrgencyLevel.EMERGENCY)


def test_a_tripwire_that_fails_is_never_answered_as_if_all_were_safe() -> None:
    with pytest.raises(ComponentError):
        triaged(COUCH, tripwire=FailingTripwire())


# One poisoned message

POISONED: list[tuple[str, dict[str, object]]] = [
    ("detector", {"detector": FailingDetector(POISON)}),
    ("danger", {"danger": FailingDangerFinder(POISON)}),
    ("entities", {"entities": FailingEntityFinder(POISON)}),
    ("encoder", {"encoder": FailingEncoder(POISON)}),
    ("classifier", {"classifier": FailingClassifier(POISON)}),
    ("kind", {"kind": FailingKindTeller(POISON)}),
    ("urgency", {"urgency": FailingUrgencyRater(POISON)}),
    ("kb", {"kb": FailingKnowledgeBase(POISON)}),
    ("translator", {"translator": FailingTranslator(POISON)}),
    ("policy", {"policy": FailingPolicy("ru")}),
]


@pytest.mark.parametrize(("component", "parts"), POISONED)
def test_one_poisoned_message_degrades_only_itself(component: str, parts: dict[str, object]) -> None:
    texts = [COUCH, f"мусор {POISON} couch", BASURA, "the street is wet?"]
    messages = [Message(id=f"m-{number}", text=text) for number, text in enumerate(texts)]
    found = [without_times(triage) for triage in Pipeline(fake_parts(**parts)).triage_batch(messages)]
    healthy = [without_times(triage) for triage in Pipeline(fake_parts()).triage_batch(messages)]
    expected = [replace(triage, versions=found[0].versions) for triage in healthy]
    assert found[1].degraded == (component,)
    assert found[1].decision.mode is Mode.ASK
    assert [found[0], *found[2:]] == [expected[0], *expected[2:]]


def test_only_the_vector_of_the_poisoned_message_is_missing() -> None:
    kb = FakeKnowledgeBase()
    messages = [Message(id="a", text="couch"), Message(id="b", text=f"{POISON} couch")]
    Pipeline(fake_parts(kb=kb, encoder=FailingEncoder(POISON))).triage_batch(messages)
    assert [float(np.linalg.norm(query.vector)) for query in kb.queries] == pytest.approx([1.0, 0.0])
    assert kb.queries[0].vector.shape == kb.queries[1].vector.shape


# Safety


def test_a_hit_with_a_line_is_an_emergency_that_an_agent_sees_and_moves_no_type() -> None:
    calm, alarmed = triaged("couch in the street"), triaged("couch in the street, gas smell")
    assert [found.code for found in alarmed.service_types] == [found.code for found in calm.service_types]
    assert (alarmed.urgency.level, alarmed.urgency.probability) == (UrgencyLevel.EMERGENCY, 1.0)
    assert alarmed.decision.mode is Mode.ASK
    assert alarmed.decision.reasons == ("life safety: gas_smell, call 911",)
    assert alarmed.safety.reasons == (SafetyHit(rule="gas_smell", text="gas smell", start=21, end=30, line="911"),)


def test_a_hit_without_a_line_is_shown_and_changes_nothing_else() -> None:
    triage = triaged("couch on a lead pipe")
    assert (triage.safety.emergency, triage.safety.line) == (False, None)
    assert [hit.rule for hit in triage.safety.reasons] == ["lead_pipe"]
    assert triage.decision.mode is Mode.SUGGEST


def test_the_gravest_line_is_named() -> None:
    assert triaged("i want to die, gas smell").safety.line == "911"
    assert triaged("i want to die").safety.line == "988"


def test_hits_and_reasons_in_the_subject_have_no_place_in_the_text() -> None:
    triage = triaged("please come", subject="gas smell right now")
    assert triage.safety.reasons == (SafetyHit(rule="gas_smell", text="gas smell", start=None, end=None, line="911"),)
    assert [(reason.text, reason.start, reason.end) for reason in triage.urgency.reasons] == [("right now", None, None)]


def test_hits_on_the_english_are_added_without_a_place() -> None:
    translator = FakeTranslator({BASURA: "gas smell in the street, lead pipe"})
    triage = triaged(BASURA, translator=translator)
    assert triage.translation.text == "gas smell in the street, lead pipe"
    assert [(hit.rule, hit.start, hit.end) for hit in triage.safety.reasons] == [
        ("gas_smell", None, None),
        ("lead_pipe", None, None),
    ]
    assert triage.safety.line == "911"


def test_a_rule_that_hits_on_both_is_told_once_with_its_place_in_the_original() -> None:
    text = f"gas smell {BASURA}"
    triage = triaged(text, translator=FakeTranslator({text: "gas smell, they left trash"}))
    assert [(hit.rule, hit.start) for hit in triage.safety.reasons] == [("gas_smell", 0)]


@given(english=st.text(max_size=60))
def test_no_translation_takes_a_hit_away(english: str) -> None:
    text = f"gas smell {BASURA}"
    before = FakeTripwire().check(text)
    triage = triaged(text, translator=FakeTranslator({text: english}), classifier=FailingClassifier())
    assert triage.safety.reasons[: len(before)] == before
    assert triage.safety.emergency
    assert triage.urgency.level is UrgencyLevel.EMERGENCY


class GarbageTranslator:
    """Gives back whatever it was made with, once for each text."""

    version = "garbage"

    def __init__(self, *garbage: object) -> None:
        self.garbage = garbage

    def translate(self, texts: Sequence[str], languages: Sequence[str]) -> list[object]:
        return [each for _ in texts for each in self.garbage]


@pytest.mark.parametrize(
    "garbage", [(), (None,), ("gas",), (Translation(status=TranslationStatus.MACHINE),) * 2, ({"text": "x"},)]
)
def test_a_translator_that_gives_no_translations_counts_as_failed(garbage: tuple[object, ...]) -> None:
    triage = triaged(f"gas smell {BASURA}", translator=GarbageTranslator(*garbage), classifier=FailingClassifier())
    assert triage.degraded == ("classifier", "translator")
    assert triage.translation == Translation(status=TranslationStatus.UNAVAILABLE)
    assert triage.safety.line == "911"


# Batches


def test_a_batch_gives_what_its_messages_give_alone() -> None:
    texts = [COUCH, BASURA, "🙏", "qwxz", "gas smell in the street", "what time?", "мусор", " "]
    messages = [Message(id=f"m-{number}", text=text) for number, text in enumerate(texts)]
    pipeline = Pipeline(fake_parts())
    together = [without_times(triage) for triage in pipeline.triage_batch(messages)]
    alone = [without_times(pipeline.triage(message)) for message in messages]
    assert together == alone


def test_an_empty_batch_gives_nothing() -> None:
    assert Pipeline(fake_parts()).triage_batch([]) == []


def test_no_message_waits_for_the_translator_where_none_is_foreign() -> None:
    triage = triaged(COUCH, translator=FailingTranslator())
    assert triage.degraded == ()
    assert "translate" not in triage.timings_ms


@pytest.mark.parametrize(
    ("when", "status", "warning"),
    [
        (Translate.WAIT, TranslationStatus.MACHINE, ()),
        (Translate.LATER, TranslationStatus.PENDING, ("the translation comes as an update",)),
        (Translate.NO, TranslationStatus.UNAVAILABLE, ("not translated: the original text is shown",)),
    ],
)
def test_an_answer_waits_for_its_translation_only_where_it_may(
    when: Translate, status: TranslationStatus, warning: tuple[str, ...]
) -> None:
    pipeline = Pipeline(fake_parts(translator=FakeTranslator({BASURA: "they left trash"})))
    triage = pipeline.triage(Message(id="m-1", text=BASURA), translate=when)
    assert (triage.translation.status, triage.warnings, triage.degraded) == (status, warning, ())
    assert [found.code for found in triage.service_types] == [found.code for found in triaged(BASURA).service_types]


def test_what_cannot_be_translated_is_not_promised_for_later() -> None:
    triage = Pipeline(fake_parts()).triage(Message(id="m-1", text=BASURA), translate=Translate.LATER)
    assert triage.translation.status is TranslationStatus.UNAVAILABLE


def test_only_who_is_on_the_line_gets_the_translation_later() -> None:
    later = {channel for channel in Channel if Translate.of(channel) is Translate.LATER}
    assert later == {Channel.CALL, Channel.TRANSCRIPT}


# The public contract

CONTRACT: dict[str, Any] = {
    "message_id": str,
    "channel": str,
    "language": {"code": str, "probability": float, "runner_up": str, "method": str},
    "translation": {"status": str, "text": str, "engine": str},
    "service_types": [{"code": str, "name": str, "department": str, "probability": float, "because": [str]}],
    "also": [],
    "request_kind": str,
    "urgency": {
        "level": str,
        "probability": float,
        "reasons": [{"rule": str, "text": str, "start": int, "end": int}],
    },
    "safety": {
        "emergency": bool,
        "line": str,
        "reasons": [{"rule": str, "text": str, "start": int, "end": int, "line": str, "sure": bool}],
    },
    "dispatch": {
        "incident_type": str,
        "what": str,
        "where": None,
        "since": None,
        "hazards": str,
        "call_back": None,
        "recommend": str,
    },
    "interpreter": {"language": str, "native_name": str, "script": str, "ask_for": str, "dialect_question": str},
    "next_question": str,
    "missing": [str],
    "entities": [{"kind": str, "text": str, "start": int, "end": int, "probability": float, "place": None}],
    "answers": [
        {
            "article_id": str,
            "title": str,
            "section": str,
            "quote": str,
            "probability": float,
            "url": str,
            "reviewed_on": str,
            "audience": str,
            "condition": None,
            "language": str,
            "pinned_until": None,
            "contradicts": [],
        }
    ],
    "answer_status": str,
    "similar": [],
    "decision": {"mode": str, "service_type": str, "department": str, "reasons": [str]},
    "warnings": [],
    "degraded": [],
    "versions": dict.fromkeys(
        ("classifier", "encoder", "detector", "translator", "safety", "taxonomy", "kb", "policy"), str
    ),
    "timings_ms": dict.fromkeys(
        (
            "safety",
            "detect",
            "entities",
            "encode",
            "danger",
            "classify",
            "kind",
            "search",
            "translate",
            "urgency",
            "policy",
        ),
        float,
    ),
}


def shape_of(value: object) -> object:
    """Return the names and types of a decoded JSON value; of a list, those of its first entry that has them all."""
    if isinstance(value, dict):
        return {name: shape_of(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape_of(value[0])] if value else []
    return None if value is None else type(value)


def test_every_field_of_the_contract_is_in_the_json_under_its_name() -> None:
    text = f"gas smell: basura, couch behind 2210 Florin Rd right now {POISON}"
    case_number = FakeEntityFinder({"2210": EntityKind.CASE})  # so that the address stays open
    parts = fake_parts(translator=FakeTranslator({text: "trash"}), entities=case_number)
    answer = orjson.loads(orjson.dumps(Pipeline(parts).triage(Message(id="m-1", text=text))))
    assert shape_of(answer) == CONTRACT


def test_every_field_is_there_even_where_nothing_is_known() -> None:
    triage = triaged(
        "🙏", classifier=FakeClassifier({"🙏": "mars.rover"}), kb=FailingKnowledgeBase(), detector=FailingDetector()
    )
    answer = orjson.loads(orjson.dumps(triage))
    assert list(answer) == list(CONTRACT)
    assert set(answer["language"]) == set(CONTRACT["language"])
    assert set(answer["versions"]) == set(CONTRACT["versions"])
    assert (answer["dispatch"], answer["interpreter"], answer["safety"]["line"]) == (None, None, None)


class Sick:
    """Gives probabilities that are no numbers, as a model with a broken weight would."""

    version = "sick"

    def classify(self, texts: Sequence[str], vectors: Vectors) -> list[tuple[Prediction, ...]]:
        return [(Prediction(label="waste.dumping", probability=float("nan")),) for _ in texts]


def test_a_probability_that_is_no_number_is_never_suggested() -> None:
    assert triaged(COUCH, classifier=Sick()).decision.mode is Mode.ASK


# Searching


def test_a_question_is_searched_as_a_message_would_be() -> None:
    kb = FakeKnowledgeBase()
    result = Pipeline(fake_parts(kb=kb)).search("where do i put a couch?", k=2)
    assert result.answers == (ANSWER,)
    assert kb.queries[0].service_types[0].label == "waste.dumping"


def test_safety_of_an_answer_starts_empty() -> None:
    assert triaged(COUCH).safety == Safety()


def test_a_hint_reaches_the_detector() -> None:
    message = Message(id="m", text="hello", language_hint="so")
    triage = Pipeline(fake_parts(detector=FakeDetector({}))).triage(message)
    assert triage.language.code == "so"
