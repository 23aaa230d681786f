"""A private Dovecot for the tests: its own process, folder and port, gone with the test."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imapclient import IMAPClient

from tests.store.postgres import free_port

PASSWORD = "correct horse"
BINARIES = ("/usr/sbin/dovecot", "/usr/local/sbin/dovecot")
_CONFIG = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
disable_plaintext_auth = no
auth_failure_delay = 0
auth_mechanisms = plain login
mail_max_userip_connections = 100
mail_fsync = never
mail_location = maildir:{home}/mail/%u
mail_log_prefix = ""
ssl = {ssl}
{certificate}
{capability}
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {home}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%u allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  chroot =
  service_count = 0
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


class DovecotMissing(Exception):
    """No Dovecot is installed."""


@dataclass(frozen=True, kw_only=True)
class ImapServer:
    """A running server; every user has the same password and an empty INBOX."""

    port: int
    tls_port: int
    home: Path

    def client(self, user: str) -> IMAPClient:
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=20)
        client.login(user, PASSWORD)
        return client

    def make_folders(self, user: str, folders: Sequence[str]) -> None:
        with self.client(user) as client:
            for folder in folders:
                client.create_folder(folder)

    def put(self, user: str, mails: Sequence[bytes], folder: str = "INBOX") -> None:
        with self.client(user) as client:
            for mail in mails:
                client.append(folder, mail)

    def mails(self, user: str, folder: str) -> list[bytes]:
        """The mails of a folder, in the order of their UIDs; those marked as deleted are none."""
        with self.client(user) as client:
            client.select_folder(folder, readonly=True)
            found = client.fetch(client.search("UNDELETED"), ["BODY.PEEK[]"])
        return [found[uid][b"BODY[]"] for uid in sorted(found)]

    def all_mails(self, user: str) -> dict[str, list[bytes]]:
        with self.client(user) as client:
            names = [name for flags, _, name in client.list_folders() if b"\\Noselect" not in flags]
        return {name: self.mails(user, name) for name in names}


@contextmanager
def imap_server(
    users: Sequence[str] = ("city",), *, capability: str = "", certificate: tuple[Path, Path] | None = None
) -> Iterator[ImapServer]:
    """Start a server on free ports of this machine alone; stop it afterwards.

    Args:
        users: Who may log in.
        capability: What it says it can do, in place of what it can.
        certificate: Files of certificate and key, where it shall speak TLS.
    """
    binary = next((path for path in BINARIES if Path(path).exists()), shutil.which("dovecot"))
    if binary is None:
        raise DovecotMissing("no Dovecot is installed: apt-get install dovecot-imapd")
    with tempfile.TemporaryDirectory(prefix="triage-dovecot-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)
        server = ImapServer(port=free_port(), tls_port=free_port() if certificate else 0, home=home)
        _write(server, users, capability, certificate)
        process = subprocess.Popen([binary, "-F", "-c", str(home / "dovecot.conf")], stderr=subprocess.DEVNULL)
        try:
            _await(server, process)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def _write(server: ImapServer, users: Sequence[str], capability: str, certificate: tuple[Path, Path] | None) -> None:
    is_root = os.geteuid() == 0
    user = "nobody" if is_root else os.environ["USER"]
    mail = server.home / "mail"
    mail.mkdir()
    if is_root:
        shutil.chown(mail, "nobody", "nogroup")
    (server.home / "users").write_text("".join(f"{name}:{{PLAIN}}{PASSWORD}::::::\n" for name in users))
    (server.home / "dovecot.conf").write_text(
        _CONFIG.format(
            home=server.home,
            user=user,
            group="nogroup" if is_root else user,
            uid=user if is_root else os.geteuid(),
            gid="nogroup" if is_root else os.getegid(),
            port=server.port,
            tls_port=server.tls_port,
            ssl="yes" if certificate else "no",
            certificate=f"ssl_cert = <{certificate[0]}\nssl_key = <{certificate[1]}" if certificate else "",
            capability=f"imap_capability = {capability}" if capability else "",
        )
    )


def _await(server: ImapServer, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", server.port), 1) as line:
                line.settimeout(5)
                if line.recv(4) == b"* OK":
                    return
        except OSError:
            time.sleep(0.05)
    log = server.home / "log"
    raise RuntimeError(f"Dovecot did not start: {log.read_text() if log.exists() else process.returncode}")
