import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.system.conftest import ROOT, run_triage
from triage.pipeline import Pipeline
from triage.types import Message, Mode, Triage, UrgencyLevel

CONTRACT = (
    "message_id channel language translation service_types also request_kind urgency safety dispatch interpreter "
    "next_question missing entities answers answer_status similar decision warnings degraded versions timings_ms"
)


def triaged(pipeline: Pipeline, text: str) -> Triage:
    return pipeline.triage(Message(id="m", text=text))


@pytest.mark.parametrize(
    ("text", "code", "article"),
    [
        (
            "there's water shooting out of the street at 9th and Oak, its flooding the corner store",
            "water.main_break",
            "",
        ),
        ("my bill doubled and i cant pay it till the 15th", "billing.payment_plan", ""),
        ("what time does the permit counter close", "city.hours", "building-permit-status"),
        ("someone dumped a couch behind 2210 Florin Rd", "waste.dumping", "report-illegal-dumping"),
    ],
)
def test_messages_of_a_new_user_come_back_right(pipeline: Pipeline, text: str, code: str, article: str) -> None:
    triage = triaged(pipeline, text)
    assert triage.service_types[0].code == code
    assert triage.language.code == "en"
    assert not triage.degraded
    if article:
        assert triage.answers[0].article_id == article


def test_a_spanish_message_is_understood_and_its_interpreter_named(pipeline: Pipeline) -> None:
    triage = triaged(pipeline, "Quiero saber cuándo pasan por los muebles viejos")
    assert triage.language.code == "es"
    assert triage.service_types[0].code == "waste.bulky"
    assert triage.interpreter
    assert triage.interpreter.ask_for == "Spanish"


def test_a_gas_smell_is_an_emergency_whatever_the_models_say(pipeline: Pipeline) -> None:
    triage = triaged(pipeline, "i smell gas in the whole house and my kids feel sick")
    assert triage.safety.emergency
    assert triage.safety.line == "911"
    assert triage.urgency.level is UrgencyLevel.EMERGENCY
    assert triage.decision.mode is Mode.ASK


def test_batch_and_single_agree(pipeline: Pipeline) -> None:
    texts = ["my trash wasnt picked up", "dog bit my son on Alder", "when is the library open", "no water since noon"]
    messages = [Message(id=str(number), text=text) for number, text in enumerate(texts)]
    for one, many in zip(map(pipeline.triage, messages), pipeline.triage_batch(messages), strict=True):
        assert [found.code for found in one.service_types][:2] == [found.code for found in many.service_types][:2]
        assert one.urgency.level == many.urgency.level
        assert one.safety == many.safety


def test_text_prints_the_contract_as_json(prepared_home: Path) -> None:
    run = run_triage("text", "someone dumped a couch behind 2210 Florin Rd", "--json", home=prepared_home)
    answer = json.loads(run.stdout)
    assert set(answer) == set(CONTRACT.split())
    assert answer["entities"] == [
        {
            "kind": "address",
            "text": "2210 Florin Rd",
            "start": 30,
            "end": 44,
            "probability": answer["entities"][0]["probability"],
            "place": None,
        }
    ]
    assert len(answer["service_types"]) == 5
    assert all(answer["versions"].values())


def test_a_batch_keeps_order_names_bad_lines_and_says_so_in_its_exit_code(prepared_home: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(
        b'{"id": "a", "text": "pothole on 9th"}\nno json\n[1]\n{"id": "d", "text": "", "channel": "sms"}\n'
        b'{"id": "e", "text": "streetlight out", "fax": 1}\n{"id": "f", "text": "loud party now"}\n'
    )
    run_triage("batch", str(source), str(target), "--only", "service_types", home=prepared_home, expected=1)
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert [row["message_id"] for row in rows] == ["a", "line-2", "line-3", "d", "e", "f"]
    assert [row.get("error", {}).get("line") for row in rows] == [None, 2, 3, 4, 5, None]
    assert set(rows[0]) == {"message_id", "service_types"}
    assert rows[0]["service_types"][0]["code"] == "streets.pothole"


def test_a_knowledge_base_search_quotes_its_source(prepared_home: Path) -> None:
    run = run_triage("kb", "search", "when is the permit counter open", "-k", "2", "--json", home=prepared_home)
    found = json.loads(run.stdout)
    assert found["answers"][0]["article_id"] == "building-permit-status"
    assert found["answers"][0]["url"].startswith("https://lindero.example.org/")
    assert found["answers"][0]["reviewed_on"]


def test_a_model_is_trained_and_measured_from_the_command_line(prepared_home: Path, tmp_path: Path) -> None:
    data, out = tmp_path / "data.jsonl", tmp_path / "model"
    rows = [
        ("the dog barks", "dog"),
        ("a barking dog", "dog"),
        ("my dog ran off", "dog"),
        ("puppy howls", "dog"),
        ("the neighbor's terrier bit a child", "dog"),
        ("water leaks", "water"),
        ("a leaking pipe", "water"),
        ("no water today", "water"),
        ("brown water", "water"),
        ("pressure dropped to a trickle", "water"),
    ]
    data.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    run_triage("model", "train", str(data), "--out", str(out), home=prepared_home)
    report = json.loads(run_triage("model", "evaluate", str(out), str(data), "--json", home=prepared_home).stdout)
    assert report["n"] == 10
    assert report["metrics"]["accuracy"] == 1.0
    assert set(report["metrics"]) == {"accuracy", "macro_f1", "top3", "ece"}


def test_the_running_service_has_imported_no_training_library(prepared_home: Path) -> None:
    code = (
        "import sys; from wiring import Settings, build_pipeline; from triage.types import Message;"
        "import api; build_pipeline(Settings.from_env()).triage(Message(id='m', text='pothole'));"
        "print([m for m in ('torch','transformers','sentence_transformers','stanza','sklearn') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TRIAGE_HOME": str(prepared_home)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"


@pytest.fixture
def demo(prepared_home: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start `triage demo` with a database of its own and wait until it says where it is."""
    env = {**os.environ, "TRIAGE_HOME": str(prepared_home), "TRIAGE_DATABASE_URL": f"sqlite:///{tmp_path / 'demo.db'}"}
    process = subprocess.Popen(
        [sys.executable, "-c", "import cli; cli.main()", "demo", "--port", "8397"],
        env=env,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = next(line for line in process.stderr if line.startswith("Ready"))
    yield process, said.split()[1]
    process.kill()
    process.wait()
    process.stderr.close()


def test_the_demo_serves_page_samples_and_api_and_stops_on_interrupt(demo: tuple[subprocess.Popen[str], str]) -> None:
    process, address = demo
    wait_until_ready(address)
    assert "<html" in httpx.get(address).text
    contacts = httpx.get(f"{address}/v1/contacts").json()
    assert len(contacts) == 50
    assert all(contact["message_id"].startswith("sample-") for contact in contacts)
    answer = httpx.post(f"{address}/v1/triage", json={"id": "x-1", "text": "pothole at 9th and Oak"}).json()
    assert answer["message_id"] == "x-1"
    assert answer["service_types"][0]["code"] == "streets.pothole"
    stored = httpx.get(f"{address}/v1/contacts", params={"limit": 1}).json()
    assert stored[0]["triage"]["message_id"] == "x-1"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 0


def wait_until_ready(address: str) -> None:
    for _ in range(100):
        try:
            if httpx.get(f"{address}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"{address} did not become ready")


@pytest.mark.parametrize("text", ["🙏🙏🙏", "4471 2280 11", "?!"])
def test_a_message_without_words_is_kept_for_an_agent(pipeline: Pipeline, text: str) -> None:
    triage = triaged(pipeline, text)
    assert triage.service_types[0].code == "city.other"
    assert triage.decision.mode is Mode.ASK
    assert triage.warnings
