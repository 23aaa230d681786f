"""What every command that needs the models begins with."""

import subprocess
import sys
from typing import TYPE_CHECKING

from cli_output import say
from triage.errors import TriageError

if TYPE_CHECKING:
    from wiring import Settings


def ready_settings() -> "Settings":
    """Read the settings; build what is missing first, in a process of its own, which alone imports torch."""
    from wiring import Built, Settings

    settings = Settings.from_env()
    if Built(settings).missing():
        say(f"Setting up in {settings.home} (once, one to two minutes) …")
        done = subprocess.run([sys.executable, "-c", "import cli; cli.main()", "setup"], check=False)
        if done.returncode:
            raise TriageError("the set-up did not finish; the lines above say why")
    return settings
