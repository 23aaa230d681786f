from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kb.search
from kb.answers import Found
from kb.lexical import stems_of
from kb.no_answer import NoAnswerModel
from kb.search import SectionSearch, Weights
from kb.sections import Section
from tests.kb.builders import COUCH, DIM, POTHOLE, TODAY, WATER, article, query, search_of, snapshot_of
from triage.protocols import KnowledgeBase
from triage.types import Answer, AnswerStatus, Audience, Prediction, Query, SearchFilter

SEARCH = search_of()


def ids(search: SectionSearch, *queries: Query, k: int = 3) -> list[list[str]]:
    return [[search.snapshot.articles[one.article].id for one in found] for found in search.rank(queries, k=k)]


def test_the_search_is_a_knowledge_base() -> None:
    knowledge_base: KnowledgeBase = SEARCH
    assert knowledge_base.version == f"{SEARCH.snapshot.version}+plain"


def test_an_answer_carries_quote_source_and_date() -> None:
    (result,) = SEARCH.search([query("book a couch pickup")])
    assert result.status is AnswerStatus.ANSWER
    assert result.answers[0] == Answer(
        article_id="bulky",
        title="Bulky item pickup",
        section="",
        quote="Two pickups a year are free. Book a couch or a mattress with 311.",
        probability=result.answers[0].probability,
        url="https://city.example/bulky",
        reviewed_on="2026-05-01",
        audience=Audience.PUBLIC,
    )
    # All words are there: 1 / (1 + exp(3 - 6)).
    assert result.answers[0].probability == pytest.approx(0.9526, abs=1e-4)


def test_queries_are_answered_in_their_order_as_if_alone() -> None:
    queries = [query("pothole"), query("couch"), query("late fees on the water bill")]
    assert SEARCH.search(queries) == [SEARCH.search([one])[0] for one in queries]
    assert [found[0] for found in ids(SEARCH, *queries)] == ["pothole", "bulky", "water"]


def test_an_article_is_found_once_by_its_best_section() -> None:
    (found,) = SEARCH.rank([query("late payment fees")], k=3)
    assert [one.article for one in found].count(2) == 1
    assert SEARCH.snapshot.sections[found[0].section].heading == "Late fees"


def test_an_alias_finds_its_article() -> None:
    assert ids(SEARCH, query("rid of an old sofa"), k=1) == [["bulky"]]


def test_a_mistyped_word_is_mended() -> None:
    (result,) = SEARCH.search([query("mattres", has_vector=False)])
    assert result.answers[0].article_id == "bulky"


def test_without_a_vector_words_alone_find_the_article() -> None:
    (result,) = SEARCH.search([query("filled potholes", has_vector=False)])
    assert (result.status, result.answers[0].article_id) == (AnswerStatus.ANSWER, "pothole")


@pytest.mark.parametrize("text", ["", "   ", "hello", "?!", "zzzz qqqq"])
def test_nothing_to_look_for_is_answered_by_none(text: str) -> None:
    (result,) = SEARCH.search([query(text)])
    assert (result.status, result.answers) == (AnswerStatus.NONE, ())


def test_a_very_long_message_is_searched_like_another() -> None:
    (result,) = SEARCH.search([query("pothole " * 6_250)])
    assert result.answers[0].article_id == "pothole"


def test_no_queries_give_no_results() -> None:
    assert SEARCH.search([]) == []


def test_a_vector_of_another_dimension_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(3,\), the index holds \(64,\)"):
        SEARCH.search([Query(text="a", vector=np.zeros(3, dtype=np.float32))])


def test_k_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        SEARCH.rank([query("a")], k=0)


def test_an_internal_section_is_returned_as_internal_and_not_mixed_into_a_public_quote() -> None:
    (notes,) = SEARCH.search([query("hardship waiver code")])
    assert (notes.answers[0].section, notes.answers[0].audience) == ("Agent notes", Audience.INTERNAL)
    assert notes.answers[0].quote == "Never quote the hardship waiver code."
    (public,) = SEARCH.search([query("when does the bill come monthly")])
    assert (public.answers[0].quote, public.answers[0].audience) == ("The bill comes monthly.", Audience.PUBLIC)


def test_an_article_answers_on_its_days_only() -> None:
    winter = article(
        "winter",
        title="Snow on streets",
        text="Snow is plowed.",
        valid_from=date(2026, 11, 1),
        valid_until=date(2027, 3, 31),
    )
    today = TODAY
    search = search_of(winter, POTHOLE, clock=lambda: today)
    assert ids(search, query("snow plowed"), k=1) == [["winter"]]
    today = date(2027, 4, 1)
    assert ids(search, query("snow plowed"), k=2) == [["pothole"]]
    today = date(2026, 11, 1)
    assert ids(search, query("snow plowed"), k=1) == [["winter"]]


def test_where_no_article_is_valid_nothing_is_found() -> None:
    over = article("over", title="Over", text="Over.", valid_until=date(2020, 1, 1))
    assert search_of(over).search([query("over")])[0].status is AnswerStatus.NONE


def test_a_likely_type_raises_an_article_and_never_filters() -> None:
    twins = [
        article(name, title="Report it", text="Call 311 about it.", service_types=(code,))
        for name, code in (("a", "code.noise"), ("b", "animal.barking"))
    ]
    search = search_of(*twins)
    plain = query("report")
    typed = query("report", types=[Prediction(label="animal.barking", probability=0.9)])
    assert ids(search, plain, typed) == [["a", "b"], ["b", "a"]]


def test_a_second_type_of_an_article_counts_half() -> None:
    weights = Weights(section=0, question=0, lexical=0, internal=0, service_type=1)
    search = search_of(weights=weights)
    (found,) = search.rank([query("x bill", types=[Prediction(label="water.leak", probability=0.8)])], k=1)
    assert found[0].article == 2
    assert found[0].similarity == pytest.approx(0.4)


def test_another_language_is_not_read_as_mistyped_english() -> None:
    spanish = query("mattres", language="es", has_vector=False)
    english = query("mattres", language="en", has_vector=False)
    assert ids(SEARCH, spanish, english, k=1) == [[], ["bulky"]]


def test_a_name_in_another_language_still_matches_and_a_short_word_does_not() -> None:
    assert ids(SEARCH, query("mi pothole", language="es", has_vector=False), k=1) == [["pothole"]]
    assert ids(SEARCH, query("a 311 los", language="es", has_vector=False), k=1) == [[]]


def test_probabilities_never_rise_down_the_list() -> None:
    (found,) = SEARCH.rank([query("late couch pothole bill")], k=3)
    probabilities = [one.probability for one in found]
    assert probabilities == sorted(probabilities, reverse=True)


def test_an_article_without_title_is_found_by_its_text() -> None:
    search = search_of(
        article("untitled", title="", sections=[Section(heading="", text="Fireworks are illegal here.")]), POTHOLE
    )
    assert ids(search, query("are fireworks illegal"), k=1) == [["untitled"]]
    assert ids(search_of(search.snapshot.articles[0]), query("fireworks"), k=1) == [["untitled"]]


def test_hidden_articles_are_not_found() -> None:
    (found,) = SEARCH.rank([query("pothole")], k=3, hidden=[frozenset({1})])
    assert 1 not in [one.article for one in found]


def brute_force(search: SectionSearch, text: Query, k: int) -> list[int]:
    snapshot, weights = search.snapshot, search.weights
    stems = stems_of(text.text)
    lexical, whole = (bm25.similarities(bm25.weights_of(stems)) for bm25 in (snapshot.bm25, snapshot.article_bm25))
    word_weight = weights.lexical * np.log((1 + len(set(stems))) / 1.75)
    best = []
    for number in range(len(snapshot.articles)):
        sections = range(snapshot.sections_from[number], snapshot.sections_from[number + 1])
        questions = slice(snapshot.questions_from[number], snapshot.questions_from[number + 1])
        cosine = (snapshot.question_index.vectors[questions] @ text.vector).max()
        best.append(
            max(
                weights.section * (snapshot.section_index.vectors[row] @ text.vector)
                + weights.question * max(cosine, snapshot.heading_vectors[row] @ text.vector)
                + word_weight * ((1 - weights.whole) * lexical[row] + weights.whole * whole[number])
                - weights.internal * (snapshot.sections[row].audience is Audience.INTERNAL)
                for row in sections
            )
        )
    return sorted(range(len(best)), key=lambda number: -best[number])[:k]


@pytest.mark.parametrize("few_rows", [0, 4_000])
@given(words=st.lists(st.sampled_from(["couch", "pothole", "bill", "late", "fee", "free", "monthly"]), min_size=1))
def test_the_best_articles_are_those_of_brute_force_whether_all_are_compared_or_the_near_ones(
    few_rows: int, words: list[str]
) -> None:
    text = query(" ".join(words))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kb.search, "FEW_ROWS", few_rows)
        (found,) = SEARCH.rank([text], k=3)
    assert [one.article for one in found] == brute_force(SEARCH, text, 3)


def test_threads_share_a_search() -> None:
    queries = [query(text) for text in ("pothole", "couch", "late fees", "mattres")] * 25
    expected = SEARCH.search(queries)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda one: SEARCH.search([one])[0], queries)) == expected


def test_the_shipped_model_can_be_read_and_rejects_an_empty_question() -> None:
    search = SectionSearch(snapshot_of(COUCH, WATER), no_answer=NoAnswerModel.load(), clock=lambda: TODAY)
    assert search.search([query("")])[0].status is AnswerStatus.NONE


def test_found_values_are_plain_numbers() -> None:
    (found,) = SEARCH.rank([query("couch", has_vector=True)], k=1)
    assert isinstance(found[0], Found)
    assert type(found[0].article) is int
    assert type(found[0].similarity) is float
    assert found[0].signals.words == pytest.approx(np.log(2))
    assert SEARCH.snapshot.section_index.vectors.shape[1] == DIM


POOL = article(
    "pool", title="Pool hours", text="The pool opens at noon in summer.", department="Parks", language="en",
    translations=(("es", "pool-es"),),
)  # fmt: skip
POOL_ES = article(
    "pool-es", title="Horario de la piscina", text="La piscina abre al mediodía en verano.", department="Parks",
    language="es",
)  # fmt: skip
RANGER = article("ranger", title="Pool keys", text="The ranger keeps keys.", department="Police")


def filtered(text: Query, **filters: object) -> Query:
    return replace(text, filter=SearchFilter(**filters))  # type: ignore[arg-type]


@pytest.mark.parametrize("few_rows", [0, 4_000])
def test_a_filter_leaves_only_what_passes_however_much_better_the_others_are(
    few_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kb.search, "FEW_ROWS", few_rows)
    search = search_of(POOL, POOL_ES, RANGER, WATER)
    pool = query("pool hours")
    assert ids(search, pool, k=1) == [["pool"]]
    assert ids(search, filtered(pool, department="police"), k=3) == [["ranger"]]
    assert ids(search, filtered(pool, language="es"), k=3) == [["pool-es"]]
    assert ids(search, filtered(pool, department="Fire"), k=3) == [[]]


def test_queries_of_one_batch_may_have_different_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kb.search, "FEW_ROWS", 0)
    search, pool = search_of(POOL, RANGER, WATER), query("pool")
    asked = [pool, filtered(pool, department="Police"), filtered(pool, department="Parks"), pool]
    assert ids(search, *asked, k=1) == [[*ids(search, one, k=1)[0]] for one in asked]
    assert ids(search, *asked[1:3], k=3) == [["ranger"], ["pool"]]


def test_the_public_filter_never_shows_an_internal_section() -> None:
    asked = filtered(query("hardship waiver code bill"), audience=Audience.PUBLIC)
    assert {answer.audience for answer in SEARCH.search([asked])[0].answers} <= {Audience.PUBLIC}
    (found,) = SEARCH.rank([filtered(query("x bill"), audience=Audience.INTERNAL)], k=3)
    assert [SEARCH.snapshot.sections[one.section].heading for one in found] == ["Agent notes"]


def test_a_day_of_validity_may_be_asked_for() -> None:
    old = article("old", title="Old fee", text="The fee is 5 dollars.", valid_until=date(2025, 12, 31))
    search = search_of(old, POTHOLE)
    assert ids(search, query("old fee"), k=2) == [["pothole"]]
    assert ids(search, filtered(query("old fee"), on=date(2025, 6, 1)), k=1) == [["old"]]


@pytest.mark.parametrize("few_rows", [0, 4_000])
def test_an_article_is_shown_in_the_residents_language_and_only_once(
    few_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kb.search, "FEW_ROWS", few_rows)
    search = search_of(POOL, POOL_ES, RANGER)
    assert ids(search, query("pool hours"), k=3) == [["pool", "ranger"]]
    assert ids(search, query("pool hours", language="es"), k=3)[0][0] == "pool-es"
    assert ids(search, query("piscina horario", language="en"), k=3)[0][0] == "pool"
    (result,) = search.search([query("horario de la piscina", language="es")])
    assert (result.answers[0].article_id, result.answers[0].language) == ("pool-es", "es")


@pytest.mark.parametrize("words", ["pool hours", "horario de la piscina"])
def test_a_language_without_a_version_gets_the_english_one_whichever_was_found(words: str) -> None:
    assert ids(search_of(POOL, POOL_ES, RANGER), query(words, language="vi"), k=1) == [["pool"]]


def test_the_section_shown_is_the_translation_of_the_one_found() -> None:
    sections = (Section(heading="Dogs", text="Keep them on a leash."), Section(heading="Fees", text="Five dollars."))
    spanish_sections = (Section(heading="Perros", text="Con correa."), Section(heading="Tarifas", text="Cinco."))
    english = article("park", title="Parks", sections=sections, language="en", translations=(("es", "park-es"),))
    spanish = article("park-es", title="Parques", sections=spanish_sections, language="es")
    search = search_of(english, spanish)
    (found,) = search.rank([query("tarifas cinco", language="vi")], k=1)
    assert search.snapshot.sections[found[0].section].heading == "Fees"


def test_a_translation_never_shows_agents_notes_in_the_place_of_a_public_section() -> None:
    english_sections = (Section(heading="", text="We collect furniture."), Section(heading="Cost", text="It is free."))
    spanish_sections = (
        Section(heading="", text="Recogemos muebles."),
        Section(heading="Agent notes", text="Waive the fee with code 4471.", audience=Audience.INTERNAL),
        Section(heading="Costo", text="Es gratis."),
    )
    english = article("couch", title="Pickup", sections=english_sections, translations=(("es", "couch-es"),))
    spanish = article("couch-es", title="Recogida", sections=spanish_sections, language="es")
    search, asked = search_of(english, spanish), query("pickup cost is it free", language="es")
    for each in (asked, filtered(asked, audience=Audience.PUBLIC)):
        (found,) = search.rank([each], k=1)
        assert search.snapshot.sections[found[0].section].heading == "Costo"


def test_a_translation_that_is_cut_otherwise_is_quoted_where_it_fits_best_for_the_same_readers() -> None:
    english_sections = (Section(heading="Dogs", text="Keep them on a leash."), Section(heading="Fees", text="Five."))
    spanish_sections = (
        Section(heading="Perros", text="Con correa."),
        Section(heading="Perros", text="Siempre."),
        Section(heading="Fees", text="Cinco."),
        Section(heading="Internal", text="Fees fees fees.", audience=Audience.INTERNAL),
    )
    english = article("park", title="Parks", sections=english_sections, translations=(("es", "park-es"),))
    spanish = article("park-es", title="Parques", sections=spanish_sections, language="es")
    search = search_of(english, spanish)
    (found,) = search.rank([query("parks fees five", language="es")], k=1)
    assert search.snapshot.sections[found[0].section].text == "Cinco."


def test_a_condition_that_the_message_leaves_open_is_asked_for() -> None:
    permit = article(
        "permit", title="Block party permit", text="The permit is free.", applies_if="You live on the block"
    )
    (result,) = search_of(permit).search([query("block party permit")])
    assert (result.status, result.answers[0].condition) == (AnswerStatus.POSSIBLE, "You live on the block")
    (told,) = search_of(permit).search([query("block party permit, I live on the block")])
    assert (told.status, told.answers[0].condition) == (AnswerStatus.ANSWER, None)


def test_a_condition_is_told_by_any_wording_that_the_article_names() -> None:
    senior = article(
        "senior", title="Senior discount", text="The senior discount is half.", applies_if="65 or older",
        applies_said=("i am retired", "on medicare"),
    )  # fmt: skip
    search = search_of(senior)
    assert search.search([query("senior discount, I'm retired")])[0].answers[0].condition is None
    assert search.search([query("senior discount")])[0].answers[0].condition == "65 or older"
