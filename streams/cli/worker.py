"""`retention worker`: runs the engine on its share of the partitions."""

from __future__ import annotations

import sys

import click

from streams.cli.options import configured, quiet_details
from streams.config import Config


@click.command()
@configured("mode", "metrics_host", "metrics_port", "log_level")
def worker(config: Config) -> None:
    """Run a worker until SIGTERM or Ctrl-C.

    Workers of one --app share the partitions of the topics; start and stop them as you like. The exit code names what
    ended one (docs/operations.md); metrics, health and readiness are at http://METRICS_HOST:METRICS_PORT/.

    \b
    Examples:
      retention worker
      RETENTION_METRICS_PORT=9100 retention worker
      retention --config production.toml worker --log-level WARNING
    """
    if config.log_level != "DEBUG":
        quiet_details()
    from streams.bootstrap.worker import run_worker  # loads Faust and River

    sys.exit(run_worker(config))
