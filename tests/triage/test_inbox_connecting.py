from pathlib import Path

import pytest

from triage.errors import MailboxLost
from triage.inbox_connecting import connected
from triage.inbox_settings import MailboxSettings


def test_a_file_that_holds_no_certificate_is_told_like_any_connection_that_fails(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("not a certificate")
    settings = MailboxSettings(
        name="city",
        host="127.0.0.1",
        user="311",
        password_env="X",
        addresses=("311@example.org",),
        ca_file=file,
    )
    with pytest.raises(MailboxLost, match="connect: "):
        connected(settings)
