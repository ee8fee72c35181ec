"""`retention local`: an engine on this machine, to publish to and to look at."""

from __future__ import annotations

import sys

import click

from streams.cli.options import echo, fail, quiet_libraries
from streams.config import ConfigError
from streams.errors import EngineError


@click.command()
@click.option("--fast", is_flag=True, help="a week is four seconds: whoever is silent for one is at risk")
def local(fast: bool) -> None:
    """Run an engine on this machine, until Ctrl-C: no Kafka, no Redis, no container.

    Starts an embedded Kafka-compatible broker and Redis on the usual loopback ports (free ones where those are
    taken), creates the topics, starts a worker, and says how other commands and programs find them. Nothing is left
    behind: what was published is gone with it. Settings from elsewhere don't matter.

    \b
    Examples:
      retention local --fast
      retention local            in real time
    """
    quiet_libraries()
    from streams.local.engine import stay

    try:
        sys.exit(stay(fast, echo))
    except (ConfigError, EngineError) as error:
        fail(error)
