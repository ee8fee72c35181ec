"""`retention tail`: shows the newest records of an output topic."""

from __future__ import annotations

import click
import msgspec

from streams.cli.options import configured, echo, json_option, quiet_libraries
from streams.cli.output_lines import line
from streams.config import Config
from streams.kafka.security import kafka_connection
from streams.kafka.topic_reader import Read, TopicReader
from streams.text import json_text

WAIT_S = 1.0


@click.command()
@click.argument("what", type=click.Choice(["triggers", "decisions", "deadletters", "examples", "rekey-deadletters"]))
@click.option(
    "--follow/--no-follow", "-f", default=False, show_default=True, help="go on with what comes, until Ctrl-C"
)
@json_option("the records as they are, one JSON object per line")
@click.option("--limit", type=click.IntRange(0), default=20, show_default=True, help="the last N records; 0 for all")
@configured()
def tail(config: Config, what: str, follow: bool, as_json: bool, limit: int) -> None:
    """Show the newest records of an output topic, at read_committed, oldest first.

    \b
    Examples:
      retention tail triggers --follow
      retention tail deadletters --limit 5
      retention tail decisions --limit 0 --json > decisions.jsonl
    """
    quiet_libraries()

    def tell(records: list[Read]) -> None:
        for record in records:
            if not as_json:
                echo(line(record.value))
            elif (value := _one_line(record.value)) is not None:
                click.echo(value)
            else:
                where = f"{what}[{record.partition}]@{record.offset}"
                echo(f"{where} is not JSON, and so no output of the engine: {line(record.value)}", err=True)

    try:
        with TopicReader(kafka_connection(config), config.topic(what)) as reader:
            tell(reader.last(limit))
            while follow:
                tell(reader.new(WAIT_S))
    except KeyboardInterrupt:
        return


def _one_line(value: bytes) -> str | None:
    """A JSON value on one line; None if it is no JSON."""
    try:
        msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return json_text((msgspec.json.format(value, indent=-1) if b"\n" in value else value).decode())
