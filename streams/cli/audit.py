"""`retention audit`: holds what was triggered against the policies, independently of what decided it."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.options import configured, echo, echo_json, files_option, json_option, quiet_libraries
from streams.cli.progress import JobWatch
from streams.config import Config
from streams.errors import ExitCode
from streams.text import moment

if TYPE_CHECKING:
    from streams.operations.audit import Breach, Line, Report

SHOWN = 20
"""Breaches that are printed; `--json` has all."""
GRACE_MS = 600_000
"""Live: what is lacking at the newest end may be on its way."""


@click.command()
@files_option()
@click.option(
    "--keep", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="write what was read there"
)
@click.option("--since", metavar="TIME", help="judge what was said from this log time on, such as 2026-12-01T00:00:00Z")
@json_option("the result as one JSON object")
@configured("mode", "horizon_days", "forget_after_days")
def audit(config: Config, files: Path | None, keep: Path | None, since: str | None, as_json: bool) -> None:
    """Check every trigger and withdrawal against the policy that was in force at its place in the log.

    Reads touchpoints, triggers and decisions from their beginning to their ends, and nothing else: no Redis, and no
    line of the code that decides. Workers may run. Exits with 1 when a rule is broken.

    \b
    Examples:
      retention audit                           all that was ever triggered
      retention audit --since 2026-12-01 --json
      retention audit --keep broken/            and keeps what was read, for `--files`
    """
    begun, from_then = time.monotonic(), _time(since)
    quiet_libraries()
    from streams.operations.audit import audit as run
    from streams.operations.audit.files import lines_of

    with ExitStack() as open_topics:
        lines = lines_of(config, files, open_topics)
        if keep is not None:
            from streams.operations.audit.files import written

            lines = written(keep, lines)
        live = files is None and config.mode == "live"
        grace = GRACE_MS if live else 0
        settings = config.engine()
        known = (settings.leaves, settings.alive, settings.silence)
        report = run(watched(lines), settings.lateness, from_then, grace, *known)
    seconds = time.monotonic() - begun
    if as_json:
        echo_json({"app": config.app, **report.data(), "seconds": round(seconds, 1)})
    else:
        _show(report, seconds)
    if report.breaches:
        sys.exit(int(ExitCode.FAILURE))


def watched(lines: Iterator[Line]) -> Iterator[Line]:
    """The same, with the partition that is read shown to who waits."""
    watch = JobWatch()
    for line in lines:
        watch.shows(f"partition {line.partition}")
        yield line


def _time(since: str | None) -> int:
    if since is None:
        return 0
    try:
        stated = datetime.fromisoformat(since)
    except ValueError as error:
        text = f"{since!r}: give a time such as 2026-12-01T00:00:00Z"
        raise click.BadParameter(text, param_hint="--since") from error
    return round((stated if stated.tzinfo else stated.replace(tzinfo=UTC)).timestamp() * 1000)


def _show(report: Report, seconds: float) -> None:
    from streams.operations.audit import RULES

    for note in report.notes:
        echo(note, err=True)
    for name, units in report.excess.items():
        echo(f"budget {name}: {units:,} units beyond it were delivered after they had been given back", err=True)
    for rule, count in Counter(breach.rule for breach in report.breaches).most_common():
        echo(f"{count:>7,}  {rule}: {RULES[rule]}")
    for breach in report.breaches[:SHOWN]:
        for line in _text(breach):
            echo(line)
    if (more := len(report.breaches) - SHOWN) > 0:
        echo(f"and {more:,} breaches more; --json has all")
    by_purpose = ", ".join(f"{purpose or 'without a purpose'} {n:,}" for purpose, n in sorted(report.triggers.items()))
    total = report.triggers.total()
    told = f"{total:,} triggers{f' ({by_purpose})' if total else ''} and {report.withdrawals:,} withdrawals checked"
    outside = f", {report.of_settings:,} triggers of no policy left out" if report.of_settings else ""
    unread = f", {report.unread:,} outputs not read" if report.unread else ""
    broken = len(report.breaches)
    found = f"{broken:,} breach{'es' if broken > 1 else ''}" if broken else "no breach"
    read = f"{report.touchpoints:,} touchpoints and {report.decisions:,} decisions read in {seconds:.1f} s"
    echo(f"{told}{outside}{unread}: {found} ({read})")


def _text(breach: Breach) -> tuple[str, ...]:
    what = f"{breach.customer} {breach.action}".strip()
    return (
        f"{breach.rule}  {what}  {breach.name}",
        f"  policy {breach.policy or 'none'}: {breach.says}",
        f"  done: {breach.done}",
        f"  at {breach.place}, {moment(breach.time)}",
    )
