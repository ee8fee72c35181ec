"""`retention top`: the live view of running workers."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path

import click

from streams.cli.options import configured, echo, json_option, quiet_libraries
from streams.config import Config


@click.command()
@click.option("--worker", "given", multiple=True, metavar="HOST:PORT", help="a worker's metrics address; repeatable")
@click.option(
    "--every", type=click.FloatRange(0.2, 3600.0), default=1.0, show_default=True, help="seconds between two looks"
)
@click.option("--once", is_flag=True, help="print one snapshot and end")
@json_option("one JSON object per look, one per line")
@click.option("--plain", "in_lines", is_flag=True, help="lines, on a terminal too")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="keep a picture of the view in this file")
@click.option("--width", type=click.IntRange(40, 400), default=120, show_default=True, help="columns of the picture")
@configured()
def top(
    config: Config,
    given: tuple[str, ...],
    every: float,
    once: bool,
    as_json: bool,
    in_lines: bool,
    svg: Path | None,
    width: int,
) -> None:
    """Watch running workers: events, lag, latency, customers by risk band, model, triggers, health.

    Reads the workers' /metrics, /health and /ready, and the triggers topic at read_committed and without a consumer
    group: it disturbs nobody. Without --worker it looks at metrics_host:metrics_port. A worker or a broker that does
    not answer is shown as such. Ctrl-C ends it. Without a terminal it prints a line per look; NO_COLOR is obeyed.

    \b
    Examples:
      retention top --worker 127.0.0.1:9100 --worker 127.0.0.1:9101
      retention top --once                          a snapshot, as lines
      retention top --json --every 10 >> top.jsonl
      retention top --once --svg top.svg            and a picture of it
    """
    quiet_libraries()
    from streams.monitoring.top import plain
    from streams.monitoring.top.follow import Looking, follow
    from streams.monitoring.top.screen import Display, Lines, Pictured, Screen, as_ctrl_c, on_terminal
    from streams.monitoring.top.workers import worker_urls

    urls = worker_urls(given, config)
    if not (as_json or once or in_lines) and on_terminal():
        display: Display = Screen()
    else:
        display = Lines(echo, plain.objects if as_json else plain.snapshot if once else plain.lines)
    if svg is not None:
        display = Pictured(display, svg, width)
    with (
        contextlib.suppress(KeyboardInterrupt),
        as_ctrl_c(signal.SIGTERM, signal.SIGHUP),
        Looking(config, urls) as looking,
        display,
    ):
        if once:
            display.show(looking.snapshot(every))
        else:
            follow(looking, display, every)
