"""`retention publish`."""

from __future__ import annotations

import sys
from typing import BinaryIO

import click

from streams.cli.options import configured, quiet_libraries
from streams.config import Config
from streams.errors import ExitCode
from streams.publishing import Sender, lines_to_send


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--check", is_flag=True, help="only validate; nothing is sent, Kafka is not needed")
@configured()
def publish(config: Config, file: BinaryIO, check: bool) -> None:
    """Send touchpoints: CloudEvents 1.0 in structured JSON, one per line, from FILE (- for standard input).

    Every line is validated first. One that the engine would refuse is reported with its number, the field, its value
    and the remedy, and is not sent; all others are. Exit code 1 if any was refused or not delivered.

    \b
    Examples:
      retention publish events.jsonl
      retention publish --check events.jsonl
      echo '{"specversion": "1.0", "type": "purchase", "id": "o-1", "source": "shop", "subject": "anna",
             "time": "2026-01-31T12:00:00Z", "data": {"amount": 19.9}}' | tr -d '\\n' | retention publish -
    """
    quiet_libraries()
    refused = valid = 0
    sender = None if check else Sender(config.bootstrap_servers, config.topic("touchpoints"))
    try:
        for outcome in lines_to_send(file):
            if isinstance(outcome, str):
                refused += 1
                click.echo(outcome, err=True)
                continue
            valid += 1
            if sender is not None:
                sender.send(outcome)
        failed = sender.finish() if sender is not None else []
    finally:
        if sender is not None:
            sender.close()
    for failure in failed:
        click.echo(failure, err=True)
    did = f"{valid} valid" if check else f"{valid - len(failed)} sent to {config.topic('touchpoints')}"
    click.echo(f"{did}, {refused} refused" + (f", {len(failed)} not delivered" if failed else ""), err=True)
    sys.exit(ExitCode.FAILURE if refused or failed else ExitCode.OK)
