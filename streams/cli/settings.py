"""`retention settings show` and `settings apply`: the settings in force in every shard, and a change of them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import click

from models.settings import EngineSettings
from streams.cli.choices import Read, ms_of_time, read_in_time, say_read
from streams.cli.options import configured, echo, echo_json, json_option, quiet_libraries
from streams.config import Config
from streams.kafka.security import kafka_connection
from streams.operations.partitions import touchpoint_partitions
from streams.operations.redis_access import store_of
from streams.text import moment

if TYPE_CHECKING:
    from streams.operations.chosen_settings import Plan, ShardSettingsNow


@click.group()
def settings() -> None:
    """What decides in every shard, and a change of it while workers run.

    The configuration's values count when an application begins. Later the thresholds, the life of a trigger and the
    window for duplicates change by a record of the touchpoints log, in every partition, so that a replay of the log
    decides the same. All other settings that decide are fixed.

    \b
    Examples:
      retention settings show
      retention settings apply --set enter=0.7 --set exit=0.6 --by ada
      retention settings apply --set enter=0.7 --at 2026-12-01T00:00:00Z
    """


@settings.command()
@json_option("one JSON object")
@configured("redis_cluster")
def show(config: Config, as_json: bool) -> None:
    """Show what is in force in every shard, what waits, and where the configuration says otherwise.

    \b
    Examples:
      retention settings show
      retention settings show --json
    """
    quiet_libraries()
    shards = asyncio.run(_shards(config, touchpoint_partitions(config)))
    if as_json:
        echo_json(
            {"app": config.app, "configured": _values(config.engine()), "shards": [_as_data(s) for s in shards.items()]}
        )
        return
    alike: dict[str, list[int]] = {}
    for shard, now in shards.items():
        alike.setdefault(_text(now), []).append(shard)
    for text, which in alike.items():
        echo(f"{'shard' if len(which) == 1 else 'shards'} {', '.join(map(str, which))}", bold=True)
        echo(text)
    for name, value in _values(config.engine()).items():
        if {_values(now.settings)[name] for now in shards.values()} != {value}:
            told = f"configured is {name} = {value:g}, which counts for new applications only"
            echo(f"warning: {told}; `retention settings apply` changes what is in force", err=True)
    _warn_of_policy(shards)


@settings.command()
@click.option("--set", "wanted", metavar="NAME=VALUE", multiple=True, required=True, help="a new value; repeatable")
@click.option("--at", metavar="TIME", help="from the first version boundary at or after this log time on (RFC 3339)")
@click.option("--by", metavar="WHO", default="", help="who chooses; kept in the record")
@click.option("--dry-run", is_flag=True, help="show what would change, and write nothing")
@click.option("--wait", metavar="SECONDS", default=10.0, help="how long to wait for the shards to read it")
@json_option("one JSON object")
@configured("redis_cluster")
def apply(
    config: Config, wanted: tuple[str, ...], at: str | None, by: str, dry_run: bool, wait: float, as_json: bool
) -> None:
    """Change settings that decide: `enter`, `exit`, `trigger_life_s`, `duplicate_window_days`.

    Writes a record into every partition of the touchpoints log. Every decision behind it is made under the new values;
    the decisions topic says what changed. An open episode stays open until its risk falls below the exit in force, and
    asks no second time. Run the same command again where it was cut short: whoever has the change passes it over.

    \b
    Examples:
      retention settings apply --set enter=0.7 --dry-run
      retention settings apply --set enter=0.7 --set exit=0.6 --by ada
    """
    quiet_libraries()
    from streams.operations.chosen_settings import planned, read_by, write

    partitions = touchpoint_partitions(config)
    shards = asyncio.run(_shards(config, partitions))
    plan = planned(shards, dict(map(_pair, wanted)), ms_of_time(at, "--at"), by, int(time.time() * 1000))
    if plan is not None and not as_json:
        _warn_of_policy(shards)
    if plan is None or dry_run:
        _say(config, plan, as_json, None, None)
        return
    offsets = write(kafka_connection(config), config.topic("touchpoints"), partitions, shards, plan)
    read = read_in_time(config, lambda store: read_by(store, config.app, partitions, plan.chosen.number, wait))
    _say(config, plan, as_json, offsets, read)


def _say(
    config: Config,
    plan: Plan | None,
    as_json: bool,
    offsets: list[int] | None,
    read: Read | None,
) -> None:
    """Args:
    config: of the command.
    plan: what was to be written; None: nothing.
    as_json: for machines.
    offsets: where it was written, by partition; None: nowhere.
    read: the shards that have read it by now, and the others.
    """
    from streams.operations.chosen_settings import in_units

    before, after = (in_units(plan.before), in_units(plan.chosen.values)) if plan is not None else ({}, {})
    changed = {name: (before[name], new) for name, new in after.items() if before[name] != new}
    if as_json:
        number = None if plan is None else plan.chosen.number
        have, lack = read or ((), ())
        data = {"number": number, "changed": changed, "topic": config.topic("touchpoints"), "offsets": offsets or []}
        echo_json({**data, "read": list(have), "not_read": list(lack)})
        return
    if plan is None:
        echo("nothing to change: every shard has these settings")
        return
    if plan.repeats:
        echo("chosen before, and not read by every shard")
    for name, (old, new) in changed.items():
        echo(f"{name}  {old:g} -> {new:g}")
    if offsets is None or read is None:
        echo("nothing was written: --dry-run")
        return
    echo(f"written into {len(offsets)} partitions of {config.topic('touchpoints')} as number {plan.chosen.number}")
    say_read(read, "retention settings show")


def _warn_of_policy(shards: dict[int, ShardSettingsNow]) -> None:
    from streams.operations.chosen_settings import BY_POLICY, overruled

    if which := overruled(shards):
        told = (
            f"a policy is in force in shard {', '.join(map(str, which))}: {', '.join(BY_POLICY)} decide nothing there"
        )
        echo(f"warning: {told}; see `retention policy show`", err=True)


async def _shards(config: Config, partitions: int) -> dict[int, ShardSettingsNow]:
    from streams.operations.chosen_settings import shards_now  # loads River

    async with store_of(config) as store:
        return await shards_now(store, config.app, partitions)


def _values(settings: EngineSettings) -> dict[str, float]:
    from models.timeline.chosen_settings import changeable
    from streams.operations.chosen_settings import in_units

    return in_units(changeable(settings))


def _pair(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not equals:
        raise click.BadParameter(f"{given!r}: give NAME=VALUE", param_hint="--set")
    return name.strip(), value.strip()


def _as_data(one: tuple[int, ShardSettingsNow]) -> dict[str, Any]:
    from streams.operations.chosen_settings import told

    shard, now = one
    return {"shard": shard, "in_force": _values(now.settings), **told(now)}


def _text(now: ShardSettingsNow) -> str:
    data = _as_data((0, now))
    lines = [f"  {name:<22} {value:g}" for name, value in data["in_force"].items()]
    for title in ("chosen", "waiting"):
        if chosen := data[title]:
            from_then = f", from {moment(chosen['at'])} on" if chosen["at"] else ""
            lines.append(f"  {title} by {chosen['by'] or 'an operator'}, number {chosen['number']}{from_then}")
    if data["waiting"]:
        lines += [f"    {name:<20} {value:g}" for name, value in data["waiting"]["values"].items()]
    return "\n".join(lines)
