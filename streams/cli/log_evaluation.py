"""What commands share that send a log through the model: progress, rows passed over, files of results."""

from __future__ import annotations

import gzip
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import click

from models.settings import DAY, SECOND
from streams.cli.options import echo
from streams.errors import EngineError
from streams.text import moment

if TYPE_CHECKING:
    from models.simulation.evaluation import Predictions
    from models.simulation.rehearsal import Rehearsal
    from models.simulation.value import Valued

REPORT_EVERY_S = 1.0


class ResultNotWritten(EngineError):
    """A file of the results can't be written."""

    remedy = "name a file in a folder that exists and that you may write to, with room left"


class NothingToJudge(EngineError):
    """No prediction of the weeks that were asked for can be held against what came."""

    remedy = "ask for weeks of the log whose horizon is over (--first-week, --last-week), or for a shorter horizon"


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


def progress() -> Callable[[Predictions | Valued], None]:
    """Tells the tick that a log has come to, once a second."""
    reported = time.monotonic()

    def on_tick(predictions: Predictions | Valued) -> None:
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


class Weeks:
    """The weeks of a log that the quality is of. Week n is the moment n times seven days after 00:00 UTC of the day of
    the first sign of staying, at `sign` (ms)."""

    def __init__(self, sign: int, first: int, last: int | None) -> None:
        self._begin = sign // DAY * DAY
        self._first, self._last = first, last
        self.asked = first > 1 or last is not None

    def hold(self, tick: int) -> bool:
        return self._first <= self._week(tick) and (self._last is None or self._week(tick) <= self._last)

    def _week(self, tick: int) -> float:
        return (tick - self._begin) / (7 * DAY)

    def why(self, last_tick: int, last_over: int) -> str:
        """Why they hold nothing. last_tick: of the log. last_over: the last moment whose horizon lies in it."""
        asked = f"from week {self._first} on" if self._last is None else f"in weeks {self._first} to {self._last}"
        ends = math.floor(self._week(last_tick))
        if self._first > self._week(last_tick):
            return f"there is no tick {asked}: the log's last one is in week {ends}"
        over = math.floor(self._week(last_over))
        judged = f"in week {over}" if over >= 1 else "before week 1"
        return (
            f"no decision {asked} can be judged: the last horizon that is over began {judged}, the log ends in {ends}"
        )


def opened_csv(out: Path) -> IO[str]:
    """A file of predictions, compressed where its name says so."""
    if out.suffix == ".gz":
        return cast(IO[str], gzip.open(out, "wt", encoding="utf-8", newline=""))
    return out.open("w", encoding="utf-8", newline="")


def tick_text(ms: int) -> str:
    """A day alone at 00:00 UTC, else the moment."""
    at = datetime.fromtimestamp(ms / 1000, UTC)
    if ms % DAY == 0:
        return at.strftime("%Y-%m-%d")
    return at.isoformat(timespec="milliseconds" if ms % SECOND else "seconds").replace("+00:00", "Z")
