"""What every command prints with: lines, JSON, a progress bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer


@contextmanager
def bar(what: str) -> Iterator[Callable[[str, int, int], None]]:
    """Show a progress bar on the error stream while something runs; one row for each name it is told of."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    rows: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def advance(name: str, done: int, total: int) -> None:
            if name not in rows:
                rows[name] = progress.add_task(name, total=total)
            progress.update(rows[name], completed=done, total=total)

        yield advance


def print_report(result: object, as_json: bool) -> None:
    """Print a value as JSON, on one line or indented for people."""
    import orjson

    if as_json:
        print_json(result)
    else:
        print_line(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode())


def print_json(value: object) -> None:
    """Print a value as one line of JSON."""
    import orjson

    print_line(orjson.dumps(value).decode())


def print_line(line: str) -> None:
    """Print a line of what was asked for."""
    typer.echo(line)


def say(line: str) -> None:
    """Print a line about the work, on the error stream."""
    typer.echo(line, err=True)
