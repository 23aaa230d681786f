"""The `triage` command with fakes for models: `python -m tests.fake_triage …`, for examples that tests run."""

import cli
import cli_inbox
import wiring
from tests.fakes import fake_parts
from triage.pipeline import Pipeline

if __name__ == "__main__":
    cli_inbox.ready_settings = wiring.Settings.from_env  # type: ignore[attr-defined]
    wiring.build_service = lambda settings, store: (Pipeline(fake_parts()), None)  # type: ignore[assignment, return-value]
    cli.main()
