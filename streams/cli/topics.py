"""`retention topics create` and `describe`."""

from __future__ import annotations

import sys

import click

from streams.cli.options import configured, quiet_libraries
from streams.config import Config
from streams.errors import ExitCode
from streams.reading import TopicReader
from streams.topic_admin import TIMESTAMP_TYPE, TopicAdmin, differs, specs


@click.group()
def topics() -> None:
    """Create and describe the engine's topics."""


@topics.command()
@configured("partitions", "replication", "mode")
def create(config: Config) -> None:
    """Create the topics, with the settings that the engine relies on.

    May be run again: topics that are there as configured are left alone. One that differs is named, and nothing is
    created then. A partition count is for ever: choose it for the load of years (a shard does some 10,000 events/s).

    \b
    Examples:
      retention topics create --partitions 16 --replication 3
      retention --topic-prefix history topics create --mode replay
    """
    quiet_libraries()
    with TopicAdmin(config.bootstrap_servers) as admin:
        for name, created in admin.create(specs(config)).items():
            click.echo(f"{'created' if created else 'exists '}  {name}")


@topics.command()
@configured("partitions", "replication", "mode")
def describe(config: Config) -> None:
    """Show the topics as they are, and what of them does not suit the engine. Exit code 1 when something does not.

    Partition and replica counts are compared with the configuration where it names them, else only with each other.

    \b
    Examples:
      retention topics describe
    """
    quiet_libraries()
    sound = True
    with TopicAdmin(config.bootstrap_servers) as admin:
        found = admin.describe([spec.name for spec in specs(config)])
    if (given := found.get(config.topic("touchpoints"))) is not None:
        counts = {"partitions": given.partitions, "replication": given.replication}
        config = config.model_copy(update={k: v for k, v in counts.items() if k not in config.model_fields_set})
    for spec in specs(config):
        facts = found.get(spec.name)
        if facts is None:
            sound = False
            click.echo(f"{spec.name}: missing; create it with `retention topics create`")
            continue
        with TopicReader(config.bootstrap_servers, spec.name) as reader:
            start, end = reader.bounds()
        held = sum(end[partition] - start[partition] for partition in start)
        time = facts.settings.get(TIMESTAMP_TYPE, "not reported")
        keeps = facts.settings.get("retention.ms", "the broker's default")
        click.echo(
            f"{spec.name}: {facts.partitions} partitions, {facts.replication} replicas, about {held:,} records, "
            f"timestamps {time}, retention {'for ever' if keeps == '-1' else keeps}, id {facts.topic_id or 'unknown'}"
        )
        for line in differs(spec, facts):
            sound = False
            click.echo(f"  differs: {line}")
    sys.exit(ExitCode.OK if sound else ExitCode.FAILURE)
