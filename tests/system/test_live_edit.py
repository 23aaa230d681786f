"""An edit of the articles in the real service: searchable within ten seconds, deleted ones gone as soon."""

import shutil
import time
from pathlib import Path

import pytest

from kb.live import LOOK_EVERY_S
from triage.store import open_store
from triage.types import Message
from wiring import Built, Settings, build_service

WITHIN_S = 10.0
EDIT = """---
id: rooftop-beehives
title: Keeping bees on a roof
service_types: [city.other]
audience: public
owner: gardens@example.org
reviewed_on: 2026-11-01
---

Beehives on a roof need a free apiary card from the Garden Office, renewed every spring.
"""
QUESTION = "do I need an apiary card for the beehives on my roof?"


@pytest.fixture
def settings(prepared_home: Path, tmp_path: Path) -> Settings:
    """Settings of a city with a folder of articles of its own, and an index that has encoded them once."""
    home, articles = tmp_path / "home", tmp_path / "articles"
    shutil.copytree(prepared_home / "kb", home / "kb")
    for part in ("encoder", "detector", "classifier"):
        (home / part).symlink_to(prepared_home / part)
    shutil.copytree(Built(Settings.from_env({"TRIAGE_HOME": str(prepared_home)})).articles, articles)
    return Settings.from_env({"TRIAGE_HOME": str(home), "TRIAGE_ARTICLES": str(articles)})


def test_an_edit_is_searchable_within_ten_seconds_and_so_is_its_deletion(settings: Settings) -> None:
    assert settings.articles is not None
    file = settings.articles / "rooftop-beehives.md"
    with open_store(settings.store_url) as store:
        pipeline, watch = build_service(settings, store)

        def best() -> str:
            answers = pipeline.triage(Message(id="m", text=QUESTION)).answers
            return answers[0].article_id if answers else ""

        def followed(*, wanted: bool) -> float:
            # The time that the processor works for it, and the longest wait for the next look: a machine that is busy
            # with something else fails no test.
            before, began = pipeline.versions.kb, time.process_time()
            end = time.monotonic() + 20 * WITHIN_S
            while pipeline.versions.kb == before:
                assert time.monotonic() < end, "the edit is not followed"
                time.sleep(0.2)
            took = LOOK_EVERY_S + time.process_time() - began
            assert (best() == "rooftop-beehives") is wanted
            return took

        assert best() != "rooftop-beehives"
        watch.start()
        try:
            file.write_text(EDIT, encoding="utf-8")
            took = [followed(wanted=True)]
            file.unlink()
            took.append(followed(wanted=False))
        finally:
            watch.stop()
        kept = [version.document is None for version in store.articles.versions("rooftop-beehives")]
    assert max(took) < WITHIN_S
    assert kept == [False, True]
