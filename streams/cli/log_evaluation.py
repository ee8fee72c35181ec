"""What commands share that send a log through the model: progress, rows passed over, files of results."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.options import echo
from streams.errors import EngineError
from streams.text import moment

if TYPE_CHECKING:
    from models.simulation.evaluation import Predictions
    from models.simulation.rehearsal import Rehearsal

REPORT_EVERY_S = 1.0


class ResultNotWritten(EngineError):
    """A file of the results can't be written."""

    remedy = "name a file in a folder that exists and that you may write to, with room left"


def counted() -> Counter[str]:
    """Counts rows that are passed over; they are told when the command ends, however it does."""
    passed_over: Counter[str] = Counter()

    def report() -> None:
        from streams.history.events import by_type

        if passed_over:
            rows = f"{passed_over.total():,} rows of types that no touchpoint corresponds to"
            echo(f"passed over {rows}: {by_type(passed_over)}", err=True)

    click.get_current_context().call_on_close(report)
    return passed_over


def progress() -> Callable[[Predictions], None]:
    """Tells the tick that a log has come to, once a second."""
    reported = time.monotonic()

    def on_tick(predictions: Predictions) -> None:
        nonlocal reported
        if time.monotonic() - reported >= REPORT_EVERY_S:
            reported = time.monotonic()
            echo(f"{moment(predictions.tick)}  {len(predictions.customers):,} customers", err=True)

    return on_tick


def told_versions() -> Callable[[Rehearsal], None]:
    """Tells the model version that a rehearsal has come to, once a second."""
    reported = time.monotonic()

    def watch(world: Rehearsal) -> None:
        nonlocal reported
        if time.monotonic() - reported >= REPORT_EVERY_S:
            reported = time.monotonic()
            customers = sum(len(shard.records) for shard in world.shards)
            echo(f"{moment(max(world.versions))}  {customers:,} customers", err=True)

    return watch


@contextmanager
def written(option: str, path: Path | None) -> Iterator[None]:
    """An error of writing names the option and the path."""
    try:
        yield
    except OSError as error:
        raise ResultNotWritten(f"{option} is {str(path)!r}: {error.strerror or error}") from error


def make_folder(plots: Path | None) -> None:
    """The folder of the pictures, before the work and not after it."""
    with written("--plots", plots):
        if plots is not None:
            plots.mkdir(parents=True, exist_ok=True)
