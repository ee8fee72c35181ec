"""`retention switch`: hands the outputs of the running application over to one that follows it."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

import click

from streams.cli.options import INTERRUPTED, configured, echo, echo_json, json_option, quiet_libraries
from streams.cli.progress import JobWatch
from streams.config import Config


class Following(JobWatch):
    """Of the shards' offsets."""

    def reached(self, offsets: Mapping[int, int]) -> None:
        self.shows(f"at offsets {', '.join(f'{n}: {at:,}' for n, at in offsets.items())}")

    def told(self, text: str) -> None:
        self.write_line(text)


@click.command()
@click.argument("green", metavar="APP")
@json_option("the summary as one JSON object")
@configured("mode", "redis_cluster")
def switch(config: Config, green: str, as_json: bool) -> None:
    """Switch the running application off, and APP on in its place, at a recorded position of each shard.

    APP was made by `retention rebuild --into APP`. Run this with its settings, and --app naming the application that
    runs. Its workers need not be stopped: they end with exit code 71, and 89 when they are restarted. What they decided
    goes out once, what comes after the position is decided by APP, whose workers may start when this has ended. A run
    that was interrupted, or killed, is gone on with by the same command; no worker of either starts in between.

    \b
    Examples:
      retention --app retention --config green.toml switch retention-2
      retention --app retention --config green.toml switch retention-2 --json
    """
    quiet_libraries()
    from streams.bootstrap.switch import switch as run  # loads River

    begun = time.monotonic()
    try:
        done = run(config, green, Following())
    except KeyboardInterrupt:
        echo("stopped; the same command goes on where it stopped", err=True)
        sys.exit(INTERRUPTED)
    summary = {
        "from": config.app,
        "to": green,
        "next_offsets": {str(n): offset for n, offset in done.positions.items()},
        "episodes": done.episodes,
        "seconds": round(time.monotonic() - begun, 1),
    }
    if as_json:
        echo_json(summary)
        return
    echo(f"{config.app} is switched off; {done.episodes:,} open episodes were carried over")
    offsets = ", ".join(f"{n}: {offset:,}" for n, offset in done.positions.items())
    echo(f"workers of {green} may start; they read {config.topic('touchpoints')} from {offsets}")
