"""Traces: nothing where nothing is set, a clear word where the packages are missing."""

import sys

import pytest

from triage.errors import SettingsError
from triage.traces import NoTracer, OtlpTracer


def test_without_a_collector_nothing_is_kept() -> None:
    with NoTracer().request("GET") as attributes:
        attributes["http.route"] = "/v1/triage"
    with NoTracer().request("GET") as attributes:
        assert attributes == {}


def test_a_collector_without_the_packages_is_a_setting_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter", None)
    with pytest.raises(SettingsError, match=r"TRIAGE_OTLP_ENDPOINT needs the packages of an extra: pip install"):
        OtlpTracer("http://127.0.0.1:4318")
