"""`retention doctor`: checks everything that a worker depends on."""

from __future__ import annotations

import asyncio
import sys

import click

from streams.cli.options import INTERRUPTED, configured, echo, echo_json, json_option, quiet_libraries
from streams.config import Config
from streams.errors import ExitCode
from streams.operations.doctor.finding import GRAVITY, Finding, Status
from streams.text import printable

COLOURS = {Status.OK: "green", Status.WARNING: "yellow", Status.PROBLEM: "red", Status.SKIPPED: "bright_black"}


@click.command()
@click.option(
    "--read-only", is_flag=True, help="create nothing: no transaction, no broker's clock, no trial of the store"
)
@json_option("one JSON object")
@configured("mode", "redis_cluster")
def doctor(config: Config, read_only: bool, as_json: bool) -> None:
    """Look at Kafka, the topics, Redis, the shards' state and this machine, and say what to fix.

    One line for each check, with the remedy below it. Leaves nothing behind: a transaction is tried on a topic, the
    store in a namespace of their own, which are deleted again. What is not there or does not answer takes seconds, and
    the other checks are made all the same. Exit code 1 if there is a problem; warnings are 0.

    \b
    Examples:
      retention doctor
      retention --config production.toml doctor --read-only
      retention doctor --json
    """
    quiet_libraries()
    from streams.operations.doctor.examination import examine  # loads the Kafka and Redis clients

    async def look() -> list[Finding]:
        found = []
        async for finding in examine(config, read_only=read_only):
            found.append(finding)
            if not as_json:
                show_finding(finding)
        return found

    try:
        found = asyncio.run(look())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    gravest = max((finding.status for finding in found), key=GRAVITY.index)
    counts = {status.value: sum(finding.status is status for finding in found) for status in Status}
    if as_json:
        checks = [{"check": f.check, "status": f.status, "told": f.text, "remedy": f.remedy or None} for f in found]
        echo_json({"status": gravest.value, "counts": counts, "checks": checks})
    else:
        echo(", ".join(f"{count} {status}" for status, count in counts.items() if count))
    sys.exit(ExitCode.FAILURE if gravest is Status.PROBLEM else ExitCode.OK)


def show_finding(finding: Finding) -> None:
    """A line, and the remedy below it."""
    status = click.style(f"{finding.status.value:<8}", fg=COLOURS[finding.status])
    click.echo(f"{status} {finding.check:<19} {printable(finding.text)}")
    if finding.remedy:
        echo(f"{'':<28} fix: {finding.remedy}")
