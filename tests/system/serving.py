"""One process of the API on a shared database, with fakes for models: `python -m tests.system.serving URL PORT`."""

import sys

import uvicorn

from api import create_app
from tests.fakes import fake_parts
from triage.pipeline import Pipeline
from triage.store import open_store


def main(url: str, port: int) -> None:
    with open_store(url) as store:
        app = create_app(Pipeline(fake_parts()), store)
        uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
