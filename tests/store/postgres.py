"""A PostgreSQL for the tests: the server that runs on this machine, else a private one from the installed binaries."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg

RUNNING = tuple(f"postgresql://{user}@127.0.0.1:5432/postgres" for user in ("root", "postgres"))


class PostgresMissing(Exception):
    """No server runs here and none can be started."""


@contextmanager
def database_url() -> Iterator[str]:
    """Give the URL of an empty database of this run alone; it is dropped afterwards."""
    with server_url() as server:
        name = f"triage_test_{uuid4().hex}"
        run_sql(server, f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
        try:
            yield f"{server.rsplit('/', 1)[0]}/{name}"
        finally:
            run_sql(server, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def server_url() -> Iterator[str]:
    """Give the URL of a server's own database, starting a server where none runs."""
    running = next((url for url in RUNNING if answers(url)), None)
    if running:
        yield running
    else:
        with private_server() as url:
            yield url


def answers(url: str) -> bool:
    """Tell whether a server takes this user, who may make databases."""
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            row = connection.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    except psycopg.OperationalError:
        return False
    return row == (True,)


@contextmanager
def private_server() -> Iterator[str]:
    """Start a server in a temporary folder, on a free port of this machine alone; stop it afterwards."""
    binaries = installed_binaries()
    with tempfile.TemporaryDirectory(prefix="triage-postgres-") as home:
        if os.geteuid() == 0:
            shutil.chown(home, "postgres")
        data, port = f"{home}/data", free_port()
        run_server_tool(binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = f"{home}/log"
        run_server_tool(binaries / "pg_ctl", "-D", data, "-o", options, "-l", log, "-w", "start")
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            run_server_tool(binaries / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def installed_binaries() -> Path:
    """Return the folder of the newest server that is installed, or say what to install."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if folders:
        return max(folders, key=lambda folder: [int(number) for number in re.findall(r"\d+", str(folder))])
    found = shutil.which("initdb")
    if found is None:
        raise PostgresMissing("no PostgreSQL answers on 127.0.0.1:5432: start one, or apt-get install postgresql")
    return Path(found).resolve().parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def run_server_tool(*command: str | Path) -> None:
    """Run a tool of the server as a user that it accepts: PostgreSQL refuses to run as root."""
    user = "postgres" if os.geteuid() == 0 else None
    subprocess.run(command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)


def run_sql(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
