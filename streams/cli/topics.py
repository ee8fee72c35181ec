"""`retention topics create` and `describe`: the engine's topics, as they should be and as they are."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import click

from streams.cli.options import configured, echo, echo_json, json_option, quiet_libraries
from streams.config import Config
from streams.errors import EngineError, ExitCode
from streams.kafka.admin import TopicAdmin, TopicFacts, differs
from streams.kafka.security import KafkaConnection, kafka_connection
from streams.kafka.topic_reader import TopicReader
from streams.kafka.topics import FOREVER, TIMESTAMP_TYPE, TopicSpec, specs
from streams.operations.redis_access import store_of

RETENTION_MS = "retention.ms"


@click.group()
def topics() -> None:
    """Create and describe the engine's topics."""


@topics.command()
@json_option("one JSON object")
@configured("partitions", "replication", "mode")
def create(config: Config, as_json: bool) -> None:
    """Create the topics, with the settings that the engine relies on.

    May be run again: topics that are there as configured are left alone. One that differs is named, and nothing is
    created then. A partition count is for ever: choose it for the load of years (a shard does some 10,000 events/s).

    \b
    Examples:
      retention topics create --partitions 16 --replication 3
      retention --topic-prefix history topics create --mode replay
    """
    quiet_libraries()
    wanted = specs(config)
    with TopicAdmin(kafka_connection(config)) as admin:
        created = admin.create(wanted)
    if as_json:
        described = [{**_named(spec), "partitions": spec.partitions, "created": created[spec.name]} for spec in wanted]
        echo_json({"topics": described})
        return
    for name, new in created.items():
        echo(f"{'created' if new else 'exists '}  {name}")


@topics.command()
@json_option("one JSON object")
@configured("partitions", "replication", "mode")
def describe(config: Config, as_json: bool) -> None:
    """Show the topics as they are, and what of them does not suit the engine. Exit code 1 when something does not.

    Partition and replica counts are compared with the configuration where it names them, else only with each other.

    \b
    Examples:
      retention topics describe
      retention topics describe --json
    """
    quiet_libraries()
    with TopicAdmin(kafka_connection(config)) as admin:
        found = admin.describe([spec.name for spec in specs(config)])
    if (given := found.get(config.topic("touchpoints"))) is not None:
        counts = {"partitions": given.partitions, "replication": given.replication}
        config = config.model_copy(update={k: v for k, v in counts.items() if k not in config.model_fields_set})
    described = []
    for spec in specs(config):
        topic = _described(kafka_connection(config), spec, found.get(spec.name))
        described.append(topic)
        if not as_json:
            for line in _lines(topic):
                echo(line)
    sound = all(topic["exists"] and not topic["differs"] for topic in described)
    if as_json:
        echo_json({"sound": sound, "topics": described})
    sys.exit(ExitCode.OK if sound else ExitCode.FAILURE)


class RetentionTooShort(EngineError):
    """The policy keeps a topic for less than recovery needs it."""

    code = ExitCode.USAGE
    remedy = (
        "raise it in `[retention]` of the policy, or lower recovery_days: a shard whose backup is restored reads them"
    )


@topics.command()
@click.option("--dry-run", is_flag=True, help="tell what would be set, and set nothing")
@json_option("one JSON object")
@configured("mode", "redis_cluster")
def retain(config: Config, dry_run: bool, as_json: bool) -> None:
    """Keep the topics for as long as `[retention]` of the policy in force says, else for twice recovery_days.

    It sets `retention.ms` where it differs, which takes the right AlterConfigs: Kafka deletes what is older within some
    minutes. Where nothing says how long, a topic is left alone. For mode live: a replay's topics are history.

    \b
    Examples:
      retention topics retain --dry-run
      retention topics retain
    """
    if config.mode == "replay":
        raise click.UsageError("mode is replay: its topics are history, and kept for ever")
    quiet_libraries()
    from streams.operations.access.limits import limits  # loads the engine

    with TopicAdmin(kafka_connection(config)) as admin:
        found = admin.describe([spec.name for spec in specs(config)])
        partitions = max((facts.partitions for facts in found.values()), default=1)
        told = limits(config, found, asyncio.run(_periods(config, partitions)))
        if short := [one for one in told if one.too_short]:
            needed = f"twice recovery_days ({2 * config.recovery_days:g} days)"
            raise RetentionTooShort(f"{', '.join(f'retention.{one.role}' for one in short)}: less than {needed}")
        changes = {one.topic: one.retention_ms for one in told if one.said is not None and one.found != one.said}
        if changes and not dry_run:
            admin.retain(changes)
    if as_json:
        rows = [
            {
                "role": one.role,
                "name": one.topic,
                "retention_ms": one.retention_ms if one.said is not None else None,
                "set": one.topic in changes,
            }
            for one in told
        ]
        echo_json({"dry_run": dry_run, "topics": rows})
        return
    for one in told:
        what = ("would be set" if dry_run else "set") if one.topic in changes else "left alone"
        echo(f"{one.told()}: {what}")


async def _periods(config: Config, partitions: int) -> dict[str, int]:
    """By role of a topic, ms, as the policy in force says, not one that waits; none where there is none."""
    from models.decisions.policy.retention_types import periods_of
    from streams.operations.choices import NoShard
    from streams.operations.policy import in_force, shards_now  # loads River

    async with store_of(config) as store:
        try:
            policy = in_force(await shards_now(store, config.app, partitions))
        except NoShard:
            return {}
    return {} if policy is None else periods_of(policy.policy.retention)


def _described(connection: KafkaConnection, spec: TopicSpec, facts: TopicFacts | None) -> dict[str, Any]:
    """A topic as plain data. What the broker does not report is None."""
    if facts is None:
        return {**_named(spec), "exists": False, "differs": []}
    with TopicReader(connection, spec.name) as reader:
        start, end = reader.bounds()
    keeps = facts.settings.get(RETENTION_MS)
    return {
        **_named(spec),
        "exists": True,
        "partitions": facts.partitions,
        "replication": facts.replication,
        "records": sum(end[partition] - start[partition] for partition in start),
        "timestamp_type": facts.settings.get(TIMESTAMP_TYPE),
        "retention_ms": int(keeps) if keeps is not None else None,
        "topic_id": facts.topic_id or None,
        "differs": differs(spec, facts),
    }


def _named(spec: TopicSpec) -> dict[str, Any]:
    return {"role": spec.role, "name": spec.name}


def _lines(topic: dict[str, Any]) -> list[str]:
    if not topic["exists"]:
        return [f"{topic['name']}: missing; create it with `retention topics create`"]
    keeps = topic["retention_ms"]
    kept = {None: "the broker's default", int(FOREVER): "for ever"}.get(keeps, keeps)
    return [
        f"{topic['name']}: {topic['partitions']} partitions, {topic['replication']} replicas, about "
        f"{topic['records']:,} records, timestamps {topic['timestamp_type'] or 'not reported'}, "
        f"retention {kept}, id {topic['topic_id'] or 'unknown'}",
        *(f"  differs: {line}" for line in topic["differs"]),
    ]
