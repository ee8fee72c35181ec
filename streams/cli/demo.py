"""`retention demo`."""

from __future__ import annotations

import sys

import click

from streams.cli.options import fail, quiet_libraries
from streams.config import ConfigError
from streams.errors import EngineError


@click.command()
@click.option("--keep", is_flag=True, help="leave everything running at the end, until Ctrl-C")
def demo(keep: bool) -> None:
    """See the whole system work on this machine, on real customers, in about two minutes.

    Starts an embedded Kafka-compatible broker and Redis on free loopback ports, creates the topics, starts a worker,
    replays CDNOW at full speed and shows how it goes. Nothing is left behind, also after Ctrl-C. Other settings, from
    the environment or a file, don't matter here.

    \b
    Examples:
      retention demo
      retention demo --keep          and then look around with the commands it names
    """
    quiet_libraries()
    from streams.demo import demo as run

    try:
        sys.exit(run(keep, click.echo))
    except (ConfigError, EngineError) as error:
        fail(error)
