"""What the service counts, in Prometheus' text format; the only home of prometheus_client.

Label sets are bounded: each value comes from a list that this project, or a file of the city's, holds. Anything else
is counted as `other`, so that no text of a resident can become a label.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from triage.languages import BY_CODE
from triage.types import Channel, Mode, SearchResult, Triage, Versions

CONTENT_TYPE = CONTENT_TYPE_LATEST
OTHER = "other"
# What `timings_ms` of a triage may name.
STAGES = frozenset(
    ("detect", "entities", "encode", "classify", "kind", "search", "translate", "safety", "urgency", "policy")
)
# From a tenth of a millisecond (the detector) to a translation that takes its time.
BUCKETS_S = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# What a person may do with a contact; the policy's own decisions are counted as `policy`.
OUTCOMES = frozenset(("accept", "override", "answer_used", "close", "reroute", "undo"))
MAX_RULES = 500


class Metrics:
    """Counts of one process; a scraper that reads several processes adds them up."""

    def __init__(self) -> None:
        # Else there is a series for each series, which nobody asked for.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._rules: set[str] = set()
        self._requests = Counter(
            "triage_requests",
            "Messages, by what became of them.",
            ("channel", "lang", "status"),
            registry=self._registry,
        )
        self._stages = Histogram(
            "triage_stage_seconds",
            "Time a message spent in each stage.",
            ("stage",),
            buckets=BUCKETS_S,
            registry=self._registry,
        )
        self._decisions = Counter(
            "triage_decisions", "Decisions, by mode and outcome.", ("mode", "outcome"), registry=self._registry
        )
        self._overrides = Counter(
            "triage_overrides", "Suggestions that a person overrode.", ("lang",), registry=self._registry
        )
        self._flags = Counter(
            "triage_safety_flags", "Life-safety findings, by rule.", ("rule",), registry=self._registry
        )
        self._queries = Counter(
            "kb_queries", "Searches in the knowledge base, by result.", ("result",), registry=self._registry
        )
        self._model = Gauge(
            "model_info", "Parts that have a say in an answer, 1 each.", ("version",), registry=self._registry
        )

    def triaged(self, triages: Iterable[Triage]) -> None:
        """Count answers that are stored: status `ok`, or `degraded` where a part failed."""
        for triage in triages:
            language = _language(triage.language.code)
            status = "degraded" if triage.degraded else "ok"
            self._requests.labels(triage.channel.value, language, status).inc()
            self._decisions.labels(triage.decision.mode.value, "policy").inc()
            self._queries.labels(triage.answer_status.value).inc()
            for stage, elapsed_ms in triage.timings_ms.items():
                self._stages.labels(stage if stage in STAGES else OTHER).observe(elapsed_ms / 1_000)
            for hit in triage.safety.reasons:
                self._flags.labels(self._rule(hit.rule)).inc()

    def rejected(self, channel: Channel) -> None:
        """Count input that could not become a message."""
        self._requests.labels(channel.value, "und", "rejected").inc()

    @contextmanager
    def failures(self, channel: Channel) -> Iterator[None]:
        """Count a message that could not be answered or stored; what was raised goes on."""
        try:
            yield
        except Exception:
            self.failed(channel)
            raise

    def failed(self, channel: Channel) -> None:
        """Count a message that was not answered: the service failed, and nothing was acknowledged."""
        self._requests.labels(channel.value, "und", "failed").inc()

    def decided(self, mode: Mode, outcome: str, language: str) -> None:
        """Count a person's decision.

        Args:
            mode: What the service had suggested to do.
            outcome: What the person did; `override` is counted by language too.
            language: BCP 47 code of the message.
        """
        self._decisions.labels(mode.value, outcome if outcome in OUTCOMES else OTHER).inc()
        if outcome == "override":
            self._overrides.labels(_language(language)).inc()

    def searched(self, result: SearchResult) -> None:
        """Count a search that a person asked for."""
        self._queries.labels(result.status.value).inc()

    def page(self, versions: Versions) -> bytes:
        """Return everything counted since the start of the process, and what it runs.

        Args:
            versions: Of the parts in use; those of an earlier page are forgotten.
        """
        self._model.clear()
        for part, version in asdict(versions).items():
            if version is not None:
                self._model.labels(f"{part} {version}").set(1)
        return generate_latest(self._registry)

    def _rule(self, rule: str) -> str:
        """Return the rule, or `other` once a file of rules has named more than a scraper should keep."""
        if rule not in self._rules and len(self._rules) >= MAX_RULES:
            return OTHER
        self._rules.add(rule)
        return rule


def _language(code: str) -> str:
    return code if code in _LANGUAGES else OTHER


_LANGUAGES = frozenset(BY_CODE) | {"und"}
