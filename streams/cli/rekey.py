"""`retention rekey`: touchpoints out of a topic that another tool writes, keyed otherwise."""

from __future__ import annotations

import signal
import socket
from types import FrameType
from typing import BinaryIO

import click

from streams.cli.options import configured, echo, echo_json, quiet_libraries
from streams.config import Config

PARTITIONS = 1
"""Of the dead letters, where the command makes the topic."""


@click.command()
@click.argument("topic")
@click.option("--map", "mapping", type=click.File("rb"), required=True, metavar="MAP", help="as of `publish --map`")
@click.option("--group", metavar="NAME", help="of consumers: how far TOPIC was read  [default: APP-rekey-TOPIC]")
@click.option(
    "--instance", metavar="NAME", help="this process's name in the group, the same at each start  [default: the host's]"
)
@click.option("--dead-letters", metavar="TOPIC", help="what can't be mapped  [default: PREFIX.rekey-deadletters]")
@click.option("--metrics-port", type=click.IntRange(1, 65535), help="serve Prometheus metrics on this port")
@click.option("--idle", type=click.FloatRange(0), default=0.0, help="end when nothing came for so many seconds")
@click.option("--json", "as_json", is_flag=True, help="the sums as one JSON object at the end")
@configured()
def rekey(
    config: Config,
    topic: str,
    mapping: BinaryIO,
    group: str | None,
    instance: str | None,
    dead_letters: str | None,
    metrics_port: int | None,
    idle: float,
    as_json: bool,
) -> None:
    """Make touchpoints of the records of TOPIC, keyed by customer, exactly once, until Ctrl-C or SIGTERM.

    For what other tools write under keys of their own: change records (Debezium), track calls, Snowplow events. The
    mapping file is that of `publish --map`; try it there first. Run as many as TOPIC has partitions, each with an
    --instance of its own. What no rule is for is passed over; what can't be mapped goes to the dead letters.

    \b
    Examples:
      retention rekey shop.public.orders --map docs/examples/maps/debezium/map.toml
      retention rekey snowplow.enriched --map docs/examples/maps/snowplow/map.toml --instance a --metrics-port 9101
    """
    quiet_libraries()
    from streams.cli.publish import mapping_of
    from streams.kafka.admin import TopicAdmin
    from streams.kafka.security import kafka_connection
    from streams.kafka.topics import TopicSpec
    from streams.monitoring.rekey import RekeyMetrics, serve_rekey_metrics
    from streams.operations.mapping import Mapped
    from streams.operations.partitions import touchpoint_partitions
    from streams.operations.rekey import Membership, Rekeying, Route

    mapped, connection = Mapped(mapping_of(mapping)), kafka_connection(config)
    dead = dead_letters or f"{config.topic_prefix}.rekey-deadletters"
    with TopicAdmin(connection) as admin:
        admin.topic(topic)
        if dead_letters is None:
            admin.create([TopicSpec("deadletters", dead, PARTITIONS, config.replication, {})])
    route = Route(
        topic,
        config.topic("touchpoints"),
        dead,
        touchpoint_partitions(config),
        group or f"{config.app}-rekey-{topic}",
        instance or socket.gethostname(),
    )
    membership = Membership(config.session_timeout_s, config.heartbeat_s)
    rekeying = Rekeying(connection, route, mapped, membership, idle)
    if metrics_port is not None:
        metrics = RekeyMetrics(rekeying.counts.data, lambda: rekeying.lag)
        serve_rekey_metrics(config.metrics_host, metrics_port, metrics)

    def end(number: int, frame: FrameType | None) -> None:
        rekeying.stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    echo(f"reading {route.source} as group {route.group}, instance {route.instance}", err=True)
    rekeying.run()
    counts = rekeying.counts
    echo(
        f"{counts.records:,} records: {counts.touchpoints:,} touchpoints written, {counts.dead:,} dead letters, "
        f"{counts.passed_over:,} passed over",
        err=True,
    )
    if as_json:
        echo_json(counts.data())
