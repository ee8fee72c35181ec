"""`retention demo`: the whole system on this machine, on real customers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.options import a_file, a_log, echo, fail, json_option, quiet_libraries
from streams.config import Config, ConfigError
from streams.errors import EngineError
from streams.history.log_times import LONGEST_GAP_DAYS
from streams.text import printable_lines

if TYPE_CHECKING:
    from streams.local.demo_view import DemoOutput

LIVE_S = 1.0
"""Between two views on a terminal; lines come a little slower, so that they can be read."""

LOOP = "\n# -- the loyalty loop, and what customers are worth, by their usual figures\n\n[loyalty]\n\n[value]\n"
"""What the demo adds to the example policy."""


@click.command()
@click.option("--keep", is_flag=True, help="leave everything running at the end, until Ctrl-C")
@click.option("--log", metavar="FILE", shell_complete=a_log, help="replay this log rather than CDNOW")
@click.option(
    "--log-gap-days",
    "longest_gap_days",
    type=click.FloatRange(0, 3_660, min_open=True),
    default=LONGEST_GAP_DAYS,
    show_default=True,
    help="a log without an event for longer than this is refused",
)
@click.option(
    "--policy",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    shell_complete=a_file,
    help="decide by this policy rather than by the example (`retention policy example`)",
)
@click.option("--no-policy", is_flag=True, help="decide without a policy: one threshold, `win_back` or care")
@json_option("one JSON object per look, as of `retention top`; the rest goes to standard error")
@click.option("--plain", "in_lines", is_flag=True, help="lines, on a terminal too")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="keep a picture of the view in this file")
@click.option("--width", type=click.IntRange(40, 400), default=120, show_default=True, help="columns of the picture")
def demo(
    keep: bool,
    log: str | None,
    longest_gap_days: float,
    policy: Path | None,
    no_policy: bool,
    as_json: bool,
    in_lines: bool,
    svg: Path | None,
    width: int,
) -> None:
    """See the whole system work on this machine, on real customers, in some minutes.

    Starts an embedded Kafka-compatible broker and Redis on free loopback ports, creates the topics, starts a worker,
    replays CDNOW at full speed and shows how it goes: the live view of `retention top` on a terminal, lines elsewhere.
    The example policy, with values and the loyalty loop, is in force from the first touchpoint on; the end tells what
    was decided by it, what the customers are worth, and what that saved, by a response that is made up and says so.
    Nothing is left behind, also after Ctrl-C. Other settings, from the environment or a file, don't matter here.

    \b
    Examples:
      retention demo
      retention demo --keep          and then look around with the commands it names
      retention demo --log purchases.csv.gz --policy policy.toml
      retention demo --svg top.svg   the picture in the README
    """
    quiet_libraries()
    from streams.cli.policy import example_text, text_of
    from streams.history.events import CDNOW
    from streams.local.demo import demo as run

    if policy is not None and no_policy:
        raise click.UsageError("--policy names a policy, --no-policy does without one")
    try:
        text = None if no_policy else example_text() + LOOP if policy is None else text_of(policy)
        sys.exit(run(keep, output_of(log, as_json, in_lines, svg, width), log or CDNOW, longest_gap_days, text))
    except (ConfigError, EngineError) as error:
        fail(error)


def output_of(log: str | None, as_json: bool, in_lines: bool, svg: Path | None, width: int) -> DemoOutput:
    """Where the demo shows what it does.

    Args:
        log: the file that is replayed; None: CDNOW.
        as_json, in_lines: JSON objects or lines instead of the live view.
        svg: file that keeps a picture of the view.
        width: of the picture, in columns.
    """
    from streams.cli.lift import lines_told
    from streams.local import demo_view
    from streams.local.demo_view import REFRESH_S, DemoOutput
    from streams.monitoring.top import plain
    from streams.monitoring.top.screen import Display, Lines, Pictured, Screen, on_terminal

    name = "CDNOW" if log is None else Path(log).name
    live = not (as_json or in_lines) and on_terminal()
    if live:
        display: Display = Screen(leave=True)
    else:
        display = Lines(echo, plain.objects if as_json else demo_view.lines)
    if svg is not None:
        display = Pictured(display, svg, width)

    def write_line(text: str) -> None:
        click.echo(printable_lines(text), err=as_json)

    return DemoOutput(write_line, display, LIVE_S if live else REFRESH_S, name, lines_told, pyramid_of)


def pyramid_of(config: Config) -> Iterator[str]:
    """The tiers of the customers, or nothing where the policy keeps no values."""
    from streams.cli.pyramid import live_lines, live_worths
    from streams.operations.pyramid import NoValues

    try:
        found, worths = asyncio.run(live_worths(config))
    except NoValues:
        return
    yield from live_lines(found._replace(loyalty=False), worths)  # stages are told of what was decided
