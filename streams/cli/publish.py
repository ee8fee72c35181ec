"""`retention publish`: validates touchpoints and sends them to Kafka."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import click

from streams.cli import progress
from streams.cli.options import INTERRUPTED, configured, echo, echo_json, quiet_libraries
from streams.cli.progress import BarWatch, PlainWatch
from streams.client import Outcome, TouchpointPublisher
from streams.config import Config
from streams.errors import ExitCode
from streams.kafka.security import kafka_connection
from streams.operations.mapping import Mapped, Mapping, MappingRefused, read_mapping
from streams.operations.publish_file import (
    OF_A_REPLAY,
    Watch,
    as_it_is,
    check_lines,
    checked_as_json,
    publish_lines,
)


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--check", is_flag=True, help="only validate; nothing is sent, Kafka is not needed")
@click.option(
    "--map",
    "mapping",
    type=click.File("rb"),
    metavar="MAP",
    help="make touchpoints of the lines by this file: track calls, orders, change records (docs/clients.md)",
)
@click.option("--print", "show", is_flag=True, help="as --check, and the touchpoints on standard output")
@click.option("--json", "as_json", is_flag=True, help="the delivery report as one JSON object on standard output")
@configured()
def publish(config: Config, file: BinaryIO, check: bool, mapping: BinaryIO | None, show: bool, as_json: bool) -> None:
    """Send touchpoints: CloudEvents 1.0 in structured JSON, one per line, from FILE (- for standard input).

    Every line is validated first. One that the engine would refuse is reported with its number, the field, its value
    and the remedy, and is not sent; all others are, each delivery confirmed by the broker. Exit code 1 if any line was
    refused or not delivered, 130 after Ctrl-C; the report then says from which line to go on.

    \b
    Examples:
      retention publish events.jsonl
      retention publish --check events.jsonl
      retention publish --json events.jsonl > report.json
      retention publish --map docs/examples/maps/segment/map.toml --print track_calls.jsonl
      echo '{"specversion": "1.0", "type": "purchase", "id": "o-1", "source": "shop", "subject": "anna",
             "time": "2026-01-31T12:00:00Z", "data": {"amount": 19.9}}' | tr -d '\\n' | retention publish -
    """
    quiet_libraries()
    if show and as_json:
        raise click.UsageError("--print and --json both write to standard output; give one of them")
    mapped = None if mapping is None else Mapped(mapping_of(mapping))
    events = as_it_is if mapped is None else mapped
    if check or show:
        tally = check_lines(file, watch_of(file), events, _show if show else None)
        lines = [f"{tally.good:,} valid, {tally.refused:,} refused", *_unfit(mapped)]
        _report(lines, lambda: checked_as_json(tally), as_json)
        sys.exit(ExitCode.FAILURE if tally.refused or _none_fits(mapped, tally.good) else ExitCode.OK)

    def connect(on_outcome: Callable[[Outcome], None]) -> TouchpointPublisher:
        topic = config.topic("touchpoints")
        publisher = TouchpointPublisher(kafka_connection(config), topic, on_outcome=on_outcome)
        if publisher.keeps_time:
            echo(f"warning: {topic} {OF_A_REPLAY}", err=True)
        return publisher

    published = publish_lines(file, watch_of(file), connect, events)
    _report([*published.lines(), *_unfit(mapped)], published.as_json, as_json)
    if published.interrupted:
        sys.exit(INTERRUPTED)
    fits = not _none_fits(mapped, published.report.sent)
    sys.exit(ExitCode.OK if published.complete and fits else ExitCode.FAILURE)


def _none_fits(mapped: Mapped | None, made: int) -> bool:
    """Whether there were rows, and no rule was for any of them: a list in one line, say, or another form of export."""
    return mapped is not None and mapped.unfit > 0 and not made


def mapping_of(file: BinaryIO) -> Mapping:
    try:
        return read_mapping(file.read().decode(), file.name)
    except UnicodeDecodeError as error:
        raise MappingRefused(f"{file.name}: byte {error.start} is not UTF-8") from error


def _unfit(mapped: Mapped | None) -> list[str]:
    return [] if mapped is None else [f"{mapped.unfit:,} rows fit no rule of {mapped.name}"]


def _show(event: bytes) -> None:
    echo(event.decode())


def watch_of(file: BinaryIO) -> Watch:
    return BarWatch(_size(file)) if sys.stderr.isatty() else PlainWatch(progress.PLAIN_EVERY_S)


def _size(file: BinaryIO) -> int | None:
    """Of a file that has one: a pipe and a terminal have not."""
    try:
        found = os.fstat(file.fileno())
    except OSError:  # a stream without a file behind it
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _report(lines: list[str], as_object: Callable[[], dict[str, Any]], as_json: bool) -> None:
    """People read standard error, and pipes standard output."""
    for line in lines:
        echo(line, err=True)
    if as_json:
        echo_json(as_object())
