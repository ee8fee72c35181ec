"""`retention voices`: how customers speak of us over time, and where they are in the loyalty loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from streams.cli.audit import watched
from streams.cli.options import configured, echo, echo_json, files_option, json_option, quiet_libraries
from streams.config import Config
from streams.text import as_words


@click.command()
@files_option()
@json_option("the result as one JSON object")
@configured("mode")
def voices(config: Config, files: Path | None, as_json: bool) -> None:
    """How customers speak of us by month, what care does to it, and at which stages of the loyalty loop they are.

    Under a policy with a table [loyalty] (docs/loyalty_loop.md). Reads touchpoints, triggers and decisions from their
    beginning to their ends.

    \b
    Examples:
      retention voices
      retention voices --json
      retention voices --files said/
    """
    quiet_libraries()
    from streams.operations.audit.files import lines_of
    from streams.operations.voices import voices_in

    with ExitStack() as open_topics:
        told = voices_in(watched(lines_of(config, files, open_topics))).data()
    if as_json:
        echo_json({"app": config.app, **told})
        return
    for line in lines_told(told):
        echo(line)


def lines_told(told: dict[str, Any]) -> Iterator[str]:
    """The report in words."""
    customers = sum(told["stages"].values())
    if not customers:
        yield "nobody is in the loyalty loop: apply a policy with a table [loyalty]"
        return
    stages = ", ".join(f"{as_words(stage)} {n:,}" for stage, n in told["stages"].items() if n)
    yield f"{customers:,} customers, as was said of them last: {stages}"
    if not told["months"]:
        yield "nobody has spoken of us"
        return
    yield ""
    yield f"{'month':<9}{'good':>7}{'neutral':>9}{'bad':>6}{'unknown':>9}  negative, of what is known"
    for month, said in told["months"].items():
        yield f"{month:<9}{said['good']:>7,}{said['neutral']:>9,}{said['bad']:>6,}{said['unknown']:>9,}  {_share(said)}"
    yield ""
    yield "What was said within 90 days of a bad experience:"
    for group, said in told["after_a_bad_experience"].items():
        known = said["good"] + said["neutral"] + said["bad"]
        yield f"  {as_words(group)}: {said['experiences']:,} experiences, {known:,} words; negative {_share(said)}"
    apart = told["cared_for_less_control"]
    if apart is None:
        yield "  no control group goes without care, so nothing shows what care does: who is cared for is chosen"
    else:
        sure = "less negative" if apart[1] < 0 else "more negative" if apart[0] > 0 else "may be nothing"
        yield f"  cared for less control: {100 * apart[0]:+.0f} to {100 * apart[1]:+.0f} points ({sure})"
    if told["unread"]:
        yield f"note: {told['unread']:,} records could not be read"


def _share(said: dict[str, Any]) -> str:
    if said["negative"] is None:
        return "-"
    low, high = said["interval"]
    return f"{said['negative']:.0%} [{low:.0%}, {high:.0%}]"
