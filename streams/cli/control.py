"""`retention control`: who is of the control group, as a topic for other senders."""

from __future__ import annotations

import contextlib

import click

from streams.cli.options import configured, echo, echo_json, json_option, quiet_libraries
from streams.config import Config
from streams.kafka.security import kafka_connection


@click.command()
@click.option("--once", is_flag=True, help="write what has been decided so far, and end")
@json_option("with --once, one JSON object")
@configured("replication")
def control(config: Config, once: bool, as_json: bool) -> None:
    """Write who is of the control group into a compacted topic, from the decisions topic, for other senders.

    The key is the customer's id. A row leaves when its customer asks to be forgotten, leaves the store, or is of the
    group no more. The topic is created where it is missing. Goes on until it is interrupted: run one of them beside
    the workers. Begun anew it goes on where its rows end.

    \b
    Examples:
      retention control
      retention control --once --json
    """
    if as_json and not once:
        raise click.UsageError("--json is for --once")
    quiet_libraries()
    from streams.operations.control.writer import ControlWriter

    name = config.topic("control")
    with ControlWriter(kafka_connection(config), config.topic("decisions"), name, config.replication) as writer:
        if once:
            writer.catch_up()
            if as_json:
                counts = {"members": writer.members, "written": writer.written, "removed": writer.removed}
                echo_json({"topic": name, **counts})
            else:
                echo(f"{name}: {writer.members:,} members; {writer.written:,} written, {writer.removed:,} removed")
            return
        echo(f"{name}: {writer.members:,} members so far", err=True)
        with contextlib.suppress(KeyboardInterrupt):
            writer.follow(lambda rows: echo(f"{rows:,} rows; {writer.members:,} members", err=True))
