"""Latency, throughput, start-up and memory of the whole pipeline, beside the straightforward composition.

Run `make bench`. Each figure comes from a fresh process; single messages run on one core, batches on two. The
straightforward composition is what the same packages give when they are simply called one after the other:
langdetect, sentence-transformers, scikit-learn, faiss, spaCy (benchmarks/straightforward.py).
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any

from models.datasets import default_data
from triage.types import Channel, Message

N_SINGLE, N_BATCH = 400, 2_000
WANTED = {"p50_ms": 8.0, "p95_ms": 15.0, "per_second": 350.0, "ready_s": 3.0, "resident_mb": 400.0}


def main() -> None:
    """Measure and print."""
    if len(sys.argv) > 1:
        measures = {
            "single": single,
            "batch": batch,
            "straight-single": straight_single,
            "straight-batch": straight_batch,
        }
        print(json.dumps(measures[sys.argv[1]]()))
        return
    from cli_setup import ready_settings

    ready_settings()
    ours = {**_measured("single", cores=1), **_measured("batch", cores=2)}
    straight = {**_measured("straight-single", cores=1), **_measured("straight-batch", cores=2)}
    print_report(ours, straight)


def messages(n: int) -> list[str]:
    """Return English messages of every type and channel, the same ones each time."""
    lines = [
        line for path in sorted(default_data().glob("en-*.jsonl")) for line in path.read_text("utf-8").splitlines()
    ]
    step = max(1, len(lines) // n)
    return [json.loads(line)["text"] for line in lines[::step]][:n]


def single() -> dict[str, Any]:
    """Measure start-up, one message after the other, stages and memory, in this process."""
    start = time.perf_counter()
    from wiring import Settings, build_pipeline

    pipeline = build_pipeline(Settings.from_env())
    pipeline.triage(Message(id="first", text="someone dumped a couch behind 2210 Florin Rd"))
    ready_s = time.perf_counter() - start
    texts = messages(N_SINGLE)
    for text in texts[:50]:
        pipeline.triage(Message(id="warm", text=text))
    times, stages = [], []
    for text in texts:
        started = time.perf_counter()
        triage = pipeline.triage(Message(id="m", text=text, channel=Channel.CALL))
        times.append((time.perf_counter() - started) * 1_000)
        stages.append(dict(triage.timings_ms))
    return {
        "ready_s": ready_s,
        **_percentiles(times),
        "resident_mb": resident_mb(),
        "stages": {name: _percentiles([stage.get(name, 0.0) for stage in stages]) for name in stages[0]},
    }


def batch() -> dict[str, Any]:
    """Measure `triage batch`, the whole command, without its start-up."""
    from triage.batchfile import triage_lines
    from wiring import Settings, build_pipeline

    settings = Settings.from_env()
    pipeline = build_pipeline(settings)
    lines = [json.dumps({"text": text}).encode() for text in messages(N_BATCH)]
    list(triage_lines(lines[:200], pipeline, workers=settings.workers))
    started = time.perf_counter()
    n = len(list(triage_lines(lines, pipeline, workers=settings.workers)))
    return {"per_second": n / (time.perf_counter() - started), "batch_resident_mb": resident_mb()}


def straight_single() -> dict[str, Any]:
    """Measure the straightforward composition, one message after the other."""
    start = time.perf_counter()
    from benchmarks.straightforward import Straightforward

    service = Straightforward()
    service.triage("someone dumped a couch behind 2210 Florin Rd")
    ready_s = time.perf_counter() - start - service.fit_s
    times = []
    for text in messages(N_SINGLE):
        started = time.perf_counter()
        service.triage(text)
        times.append((time.perf_counter() - started) * 1_000)
    return {"ready_s": ready_s, **_percentiles(times), "resident_mb": resident_mb()}


def straight_batch() -> dict[str, Any]:
    """Measure the straightforward composition on many messages."""
    from benchmarks.straightforward import Straightforward

    service = Straightforward()
    texts = messages(N_BATCH // 4)
    started = time.perf_counter()
    service.triage_batch(texts)
    return {"per_second": len(texts) / (time.perf_counter() - started)}


def print_report(ours: dict[str, Any], straight: dict[str, Any]) -> None:
    """Print both tables."""
    print(f"{_machine()}; {N_SINGLE} single and {N_BATCH} batched messages of models/data/messages\n")
    print(f"{'':34} {'wanted':>8} {'measured':>9} {'straightforward':>16}")
    names = {
        "p50_ms": "one message, one core, p50 ms",
        "p95_ms": "one message, one core, p95 ms",
        "per_second": "batch, two cores, messages/s",
        "ready_s": "import to first answer, s",
        "resident_mb": "resident, MB",
    }
    for key, name in names.items():
        print(f"{name:34} {WANTED[key]:8.0f} {ours[key]:9.1f} {straight[key]:16.1f}")
    print(f"\n{'stage':12} {'p50 ms':>8} {'p95 ms':>8}")
    for stage, figures in ours["stages"].items():
        print(f"{stage:12} {figures['p50_ms']:8.2f} {figures['p95_ms']:8.2f}")


def resident_mb() -> float:
    """Return the memory this process holds now, in megabytes (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    cuts = quantiles(values, n=20)
    return {"p50_ms": cuts[9], "p95_ms": cuts[18]}


def _measured(what: str, *, cores: int) -> dict[str, Any]:
    """Run one measure in a fresh process on so many cores."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]

    def pin() -> None:
        os.sched_setaffinity(0, allowed)

    command = [sys.executable, "-m", "benchmarks.latency", what]
    with tempfile.TemporaryFile() as errors:
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, preexec_fn=pin, check=False)
        if run.returncode:
            errors.seek(0)
            sys.exit(f"{what} failed:\n{errors.read().decode()[-2_000:]}")
    measured: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return measured


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if "model name" in line]
    cores = len(os.sched_getaffinity(0))
    return f"{names[0] if names else platform.processor()}, {cores} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
