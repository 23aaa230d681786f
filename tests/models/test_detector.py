import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langdetect.utils.ngram import NGram

from models.detector import FEW_WORDS, SURE, ProfileDetector
from models.detector_build import FLOOR, TEMPER, WEIGHTS, build_detector, plain_letters, profile_letter
from models.detector_pieces import BUCKETS, Part, part_of, pieces_of
from models.detector_scripts import JAPANESE, SHARED, SIMPLIFIED, TRADITIONAL, Script, han_class, script_of_letter
from models.detector_tables import Tables, gram_keys
from models.detector_text import words_of
from models.detector_training import frequent_words, profile_of
from triage.errors import ModelError
from triage.languages import BY_CODE
from triage.protocols import LanguageDetector
from triage.types import Language

MESSAGES = {
    "en": [
        "The storm drain in front of my building has been clogged since Friday",
        "who do i call about a dead raccoon",
    ],
    "es": [
        "La coladera de la esquina está tapada desde el viernes",
        "a quien le llamo por un animal muerto en la calle",
    ],
    "zh-Hans": ["我们楼下的下水道从星期五开始就堵了", "请问怎么申请停车许可证"],
    "zh-Hant": ["我們樓下的下水道從星期五開始就堵了", "請問怎麼申請停車許可證"],
    "yue": ["我哋樓下條坑渠由星期五開始塞咗", "想問下點樣申請泊車證呀唔該"],
    "vi": ["Cống thoát nước trước tòa nhà tôi bị nghẹt từ thứ sáu", "con cho nha hang xom sua ca dem khong ngu duoc"],
    "ru": ["Ливневая канализация у нашего дома забита с пятницы", "куда звонить если на дороге мёртвое животное"],
    "uk": ["Зливна каналізація біля нашого будинку забита з п'ятниці", "куди телефонувати щодо мертвої тварини"],
    "tl": [
        "Barado ang kanal sa harap ng gusali namin mula pa noong Biyernes",
        "saan po ako tatawag tungkol sa patay na daga",
    ],
    "ko": ["금요일부터 건물 앞 하수구가 막혔어요", "주차 허가증은 어떻게 신청하나요"],
    "ar": ["البالوعة أمام المبنى مسدودة منذ يوم الجمعة", "كيف أقدم طلب تصريح موقف"],
    "pt": [
        "O bueiro na frente do meu prédio está entupido desde sexta-feira",
        "para quem eu ligo sobre um bicho morto",
    ],
    "fr": ["L'égout devant mon immeuble est bouché depuis vendredi", "qui dois-je appeler pour un rat mort"],
    "ht": ["Rigòl ki devan bilding mwen an bouche depi vandredi", "ki moun pou m rele pou yon bèt ki mouri nan lari a"],
    "hmn": [
        "Tus kwj deg ntawm kuv lub tsev txhaws txij hnub Friday los",
        "kuv yuav hu rau leej twg txog tus tsiaj tuag",
    ],
    "fa": ["فاضلاب جلوی ساختمان ما از جمعه گرفته است", "برای مجوز پارکینگ چه کار باید بکنم"],
    "so": [
        "Bulaacadda dhismaheena hortiisa way xirantahay ilaa jimcihii",
        "yaan u wacaa xayawaan dhintay oo waddada yaal",
    ],
    "ja": ["金曜日から建物の前の排水溝が詰まっています", "駐車許可証の申請方法を教えてください"],
    "hi": ["शुक्रवार से हमारी इमारत के सामने की नाली जाम है", "पार्किंग परमिट के लिए आवेदन कैसे करें"],
    "pa": ["ਸ਼ੁੱਕਰਵਾਰ ਤੋਂ ਸਾਡੀ ਇਮਾਰਤ ਦੇ ਸਾਹਮਣੇ ਨਾਲੀ ਬੰਦ ਹੈ"],
    "am": ["ከአርብ ጀምሮ በህንፃችን ፊት ለፊት ያለው የውሃ መውረጃ ተዘግቷል"],
    "ro": ["Canalizarea din fața blocului este înfundată de vineri", "pe cine sun pentru un animal mort pe stradă"],
    "de": ["Der Gully vor unserem Haus ist seit Freitag verstopft", "wen rufe ich wegen einer toten Ratte an"],
    "it": ["Il tombino davanti al mio palazzo è intasato da venerdì", "chi devo chiamare per un topo morto"],
    "pl": [
        "Studzienka przed naszym blokiem jest zatkana od piątku",
        "do kogo mam dzwonić w sprawie martwego zwierzęcia",
    ],
}
RECOGNIZED = {
    "nl": "de straatlantaarn op de hoek is kapot",
    "sv": "Gatlyktan utanför mitt hus är trasig",
    "da": "hvornår bliver skraldet hentet på min gade",
    "tr": "sokak lambası yanmıyor lütfen tamir edin",
    "id": "sampah belum diambil sejak minggu lalu",
    "cs": "před mým domem je velká díra v silnici",
    "hu": "nem vitték el a szemetet ezen a héten",
    "sw": "kuna shimo kubwa barabarani mbele ya nyumba yangu",
    "ca": "no han recollit les escombraries aquesta setmana",
    "bg": "пред къщата ми има голяма дупка на пътя",
    "ur": "اس ہفتے کچرا نہیں اٹھایا گیا",
    "ne": "मेरो घर अगाडि सडकमा ठूलो खाल्डो छ",
    "th": "ไฟถนนเสีย",
    "he": "יש בור גדול ברחוב שלי",
    "el": "υπάρχει μια μεγάλη λακκούβα στον δρόμο",
}
ALL = [(code, text) for code, texts in MESSAGES.items() for text in texts]
TEXTS = [text for _, text in ALL]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_detector(tmp_path_factory.mktemp("detector"))


@pytest.fixture(scope="module")
def detector(path: Path) -> ProfileDetector:
    return ProfileDetector.load(path)


def one(detector: LanguageDetector, text: str, hint: str | None = None) -> Language:
    return detector.detect([text], [hint])[0]


@pytest.mark.parametrize(("code", "text"), ALL)
def test_a_message_of_a_served_language_is_told_with_certainty(detector: ProfileDetector, code: str, text: str) -> None:
    found = one(detector, text)
    assert found.code == code
    assert found.probability > 0.6


@pytest.mark.parametrize(("code", "text"), list(RECOGNIZED.items()))
def test_a_language_that_is_not_served_is_not_taken_for_one_that_is(
    detector: ProfileDetector, code: str, text: str
) -> None:
    assert one(detector, text).code == code


@pytest.mark.parametrize("code", ["es", "vi", "pt", "fr", "ht", "ro", "pl", "de", "it"])
def test_missing_accents_change_no_answer(detector: ProfileDetector, code: str) -> None:
    plain = [plain_letters(text).lower() for text in MESSAGES[code]]
    assert [found.code for found in detector.detect(plain, [None] * len(plain))] == [code] * len(plain)


@pytest.mark.parametrize(("code", "text"), [pair for pair in ALL if pair[1].upper() != pair[1]])
def test_capitals_change_no_answer(detector: ProfileDetector, code: str, text: str) -> None:
    assert one(detector, text.upper()).code == code


@pytest.mark.parametrize(
    "text", ["", "   ", "😡😡", "90210", "555-0134", "...", "1234 Main St", "x", "https://example.com/a", "me@city.gov"]
)
@pytest.mark.parametrize("hint", [None, "es"])
def test_a_text_without_words_is_unknown_whatever_the_hint(
    detector: ProfileDetector, text: str, hint: str | None
) -> None:
    assert one(detector, text, hint) == Language.unknown()


def test_a_doubtful_word_is_taken_for_english_and_keeps_its_best_guess(detector: ProfileDetector) -> None:
    found = one(detector, "multa")
    assert (found.code, found.runner_up, found.method) == ("en", "es", "ngram")
    assert found.probability < SURE


def test_a_doubtful_text_of_more_words_keeps_its_language(detector: ProfileDetector) -> None:
    text = "basura tapat multa"
    assert len(words_of(text).words) > FEW_WORDS
    assert one(detector, text).code != "en"


def test_a_hint_decides_a_word_that_several_languages_share(detector: ProfileDetector) -> None:
    assert one(detector, "basura", "es").code == "es"
    assert one(detector, "basura", "tl").code == "tl"
    assert one(detector, "basura", "es-MX") == one(detector, "basura", "es")


def test_a_hint_does_not_outweigh_a_sentence(detector: ProfileDetector) -> None:
    assert one(detector, "nobody picked up the trash on my street", "es").code == "en"
    assert one(detector, "우리 집 앞 가로등이 고장났어요", "es").code == "ko"


@pytest.mark.parametrize("hint", ["", "xx", "tlh", "not a tag"])
def test_an_unknown_hint_changes_nothing(detector: ProfileDetector, hint: str) -> None:
    assert one(detector, "no hay luz", hint) == one(detector, "no hay luz")


def test_a_prior_moves_the_probability_of_its_language(path: Path, detector: ProfileDetector) -> None:
    spanish = ProfileDetector.load(path, prior={"es": 50.0})
    assert one(spanish, "basura").code == "es"
    assert one(spanish, "nobody picked up the trash").code == "en"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("ko", "parking ticket 어떻게 appeal 하나요"),
        ("ja", "trash bagはどこで買えますか"),
        ("ru", "где получить parking permit для гостя"),
        ("en", "sewer smell behind the Café Ñandú on Camino del Sur"),
        ("en", "stop sign knocked over at Via Verde and Paseo del Rey"),
        ("en", "Please send someone, the 水 sign is broken again"),
    ],
)
def test_loan_words_and_names_do_not_decide(detector: ProfileDetector, code: str, text: str) -> None:
    assert one(detector, text).code == code


def test_the_own_words_of_a_mail_decide(detector: ProfileDetector) -> None:
    spanish = "Buenas tardes, hay una fuga de agua en mi calle.\n\n"
    disclaimer = "This message is confidential and intended only for the person to whom it is addressed." * 5
    assert one(detector, spanish + disclaimer).code == "es"
    assert one(detector, "There is a leak on my street.\n\nEnviado desde mi iPhone").code == "en"


def test_script_and_grams_are_named_as_methods(detector: ProfileDetector) -> None:
    assert one(detector, "안녕하세요") == Language(code="ko", probability=0.995, method="script")
    assert one(detector, "hay un bache en la calle").method == "ngram"


def test_a_batch_answers_as_each_text_alone(detector: ProfileDetector) -> None:
    texts = [*TEXTS, "", "😡", "\ud800 hola amigos", "a" * 10_000] * 8
    assert detector.detect(texts, [None] * len(texts)) == [one(detector, text) for text in texts]


def test_an_empty_batch_has_no_answers(detector: ProfileDetector) -> None:
    assert detector.detect([], []) == []


def test_eight_threads_agree_from_the_first_call(path: Path, detector: ProfileDetector) -> None:
    expected = detector.detect(TEXTS, [None] * len(TEXTS))
    fresh, start = ProfileDetector.load(path), Barrier(8)

    def detect(_: int) -> list[Language]:
        start.wait()
        return fresh.detect(TEXTS, [None] * len(TEXTS))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(detect, range(8))) == [expected] * 8


def test_processes_agree_and_need_no_langdetect(path: Path, detector: ProfileDetector) -> None:
    program = (
        "import json, sys; from pathlib import Path; from models.detector import ProfileDetector\n"
        "texts = json.loads(sys.stdin.read())\n"
        "found = ProfileDetector.load(Path(sys.argv[1])).detect(texts, [None] * len(texts))\n"
        "heavy = [name for name in ('langdetect', 'sklearn', 'torch', 'scipy') if name in sys.modules]\n"
        "print(json.dumps([[x.code, x.probability, x.runner_up] for x in found] + heavy))"
    )
    expected = [[x.code, x.probability, x.runner_up] for x in detector.detect(TEXTS, [None] * len(TEXTS))]
    for seed in ("0", "1"):
        ran = subprocess.run(
            [sys.executable, "-c", program, str(path)],
            input=json.dumps(TEXTS),
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.getcwd()},
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(ran.stdout) == expected


@given(st.text(max_size=200), st.sampled_from([None, "es", "zh-TW", "??"]))
def test_any_text_has_a_known_language_and_a_probability(path: Path, text: str, hint: str | None) -> None:
    found = one(_loaded(path), text, hint)
    assert found == Language.unknown() or found.code in BY_CODE
    assert 0.0 <= found.probability <= 1.0


_LOADED: dict[Path, ProfileDetector] = {}


def _loaded(path: Path) -> ProfileDetector:
    return _LOADED.setdefault(path, ProfileDetector.load(path))


def test_two_builds_are_the_same_bytes(path: Path, tmp_path: Path) -> None:
    assert build_detector(tmp_path).read_bytes() == path.read_bytes()


def test_a_build_replaces_what_stands_there_and_leaves_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "detector.npz").write_bytes(b"old")
    ProfileDetector.load(build_detector(tmp_path))
    assert [entry.name for entry in tmp_path.iterdir()] == ["detector.npz"]


def test_the_file_is_about_a_megabyte(path: Path) -> None:
    assert path.stat().st_size < 1_500_000


@pytest.mark.parametrize("content", [None, b"", b"not a zip", b"PK\x03\x04 cut"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "detector.npz").write_bytes(content)
    with pytest.raises(ModelError, match="build it again"):
        ProfileDetector.load(tmp_path / "detector.npz")


def test_another_langdetect_is_refused(tmp_path: Path) -> None:
    for source in (entry for entry in WEIGHTS.rglob("*") if entry.is_file()):
        target = tmp_path / "weights" / source.relative_to(WEIGHTS)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    hashes = tmp_path / "weights" / "profiles.sha256"
    hashes.write_text(hashes.read_text().replace("  en\n", "  en-old\n"))
    with pytest.raises(ModelError, match=r"'en' is not the one of release 1\.0\.9"):
        build_detector(tmp_path, weights=tmp_path / "weights")


def test_a_cell_is_the_log_of_langdetects_own_probability(path: Path) -> None:
    tables = Tables.load(path)
    profile = json.loads((files("langdetect") / "profiles" / "ru").read_text(encoding="utf-8"))
    count = sum(profile["freq"].get(gram, 0) for gram in ("не", "Не", "НЕ", "нЕ"))
    expected = math.log(count / profile["n_words"][1] / FLOOR + 1) / TEMPER
    before, letter = (int(tables.symbol_of[ord(sign)]) for sign in "не")
    key = tables.n_symbols**3 + before * tables.n_symbols + letter
    row = tables.rows_of(np.array([key]))[0]
    assert tables.rows[row, tables.codes.index("ru")] == pytest.approx(expected, rel=1e-5)


@given(st.text(st.sampled_from("abñé "), max_size=12))
def test_grams_are_those_of_langdetect(text: str) -> None:
    number_of = {" ": 0, "a": 1, "b": 2, "ñ": 3, "é": 4}
    letter_of = {number: letter for letter, number in number_of.items()}
    symbols = np.array([number_of[letter] for letter in f" {text}"], dtype=np.int64)
    found = [_spell(int(key), letter_of, 5) for key in gram_keys(symbols, 5).ravel() if key >= 0]
    assert found == list(_langdetect_grams(text))


def _spell(key: int, letter_of: dict[int, str], n_symbols: int) -> str:
    if key < n_symbols:
        return letter_of[key]
    length = 2 if key >= n_symbols**3 else 3
    key = key - n_symbols**3 if length == 2 else key
    return "".join(letter_of[key // n_symbols**power % n_symbols] for power in reversed(range(length)))


def _langdetect_grams(text: str) -> Iterator[str]:
    grams = NGram()
    before = " "
    for letter in text:
        grams.add_char(letter)
        if letter != " " or before != " ":  # of a second space langdetect repeats the last grams
            yield from (gram for length in (1, 2, 3) if (gram := grams.get(length)) and gram != " ")
        before = letter


def test_words_of_a_signature_a_street_and_a_number_are_left_out() -> None:
    assert words_of("bache en Main Street, apt 4B, #24-001928").words == ("bache", "en")
    assert words_of("No hay agua hoy.\n\nSent from my iPhone").words == ("no", "hay", "agua", "hoy")
    assert words_of("我家门口123号").words == ("我家门口", "号")


def test_runs_of_capitalized_words_are_names_unless_all_is() -> None:
    assert words_of("noise from La Taqueria").names == {2, 3}
    assert words_of("La Taqueria").names == frozenset()
    assert words_of("NO HAY LUZ").names == frozenset()


@pytest.mark.parametrize(
    ("letter", "kind"), [("这", SIMPLIFIED), ("這", TRADITIONAL), ("気", JAPANESE), ("人", SHARED)]
)
def test_character_sets_tell_ideographs_apart(letter: str, kind: str) -> None:
    assert han_class(letter) == kind


def test_letters_are_normalized_as_langdetect_does() -> None:
    assert [profile_letter(letter) for letter in "AÑệ가ç"] == ["a", "ñ", "\u1ec3", "\uac00", "ç"]
    assert profile_letter("國") == "國"
    assert script_of_letter("ё") is Script.CYRILLIC


def test_a_line_belongs_to_one_part_for_ever() -> None:
    parts = [part_of(f"line {number}") for number in range(2_000)]
    assert (parts.count(Part.TEST), parts.count(Part.CALIBRATE)) == (114, 96)


def test_pieces_have_the_length_of_their_bucket() -> None:
    lines = ["uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince"] * 3
    pieces = pieces_of(lines, "es")
    assert {piece.bucket for piece in pieces} == set(BUCKETS)
    for piece in pieces:
        fewest, most = BUCKETS[piece.bucket]
        assert fewest <= len(piece.text.split()) <= most


def test_a_profile_counts_grams_by_hand() -> None:
    assert profile_of(["ab ab", "Ab"]) == {
        "freq": {" a": 3, " ab": 3, "a": 3, "ab": 3, "ab ": 3, "b": 3, "b ": 3},
        "n_words": [6, 9, 6],
    }


def test_frequent_words_leave_names_out() -> None:
    lines = ["the dog saw Anna Smith"] * 3
    assert frequent_words(lines, "en") == [("the", 333_333), ("dog", 333_333), ("saw", 333_333)]
