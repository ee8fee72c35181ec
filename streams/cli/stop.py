"""`retention stop`, `retention resume`, `retention stops`: stop what goes out, at once and everywhere, and go on."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from streams.cli.options import configured, echo, echo_json, json_option, quiet_libraries
from streams.config import Config
from streams.errors import ExitCode
from streams.operations.partitions import touchpoint_partitions
from streams.operations.redis_access import store_of

if TYPE_CHECKING:
    from models.timeline.stop_types import Stop
    from streams.operations.stops import Where

PURPOSES = ("legal", "contract", "care", "marketing")
TIME = "%Y-%m-%dT%H:%M:%SZ"


def _selectors(command: Any) -> Any:
    for name, key, about in (
        ("--kind", "kinds", "of this kind of action"),
        ("--country", "countries", "to customers of this country, and those of whom nobody knows it"),
        ("--action", "actions", "this action of the policy"),
    ):
        command = click.option(name, key, multiple=True, help=f"{about}; repeatable")(command)
    return click.option(
        "--purpose", "purposes", multiple=True, type=click.Choice(PURPOSES), help="for this purpose; repeatable"
    )(command)


@click.command()
@_selectors
@click.option("--by", required=True, help="who stops it")
@click.option("--why", required=True, help="why")
@click.option("--wait", type=float, default=10.0, show_default=True, help="seconds to wait until all shards have it")
@json_option("one JSON object")
@configured("redis_cluster")
def stop(config: Config, by: str, why: str, wait: float, as_json: bool, **given: tuple[str, ...]) -> None:
    """Stop what goes out, at once: without selectors everything, legal notices too.

    What fits all selectors that are given is stopped; of one that is repeated any value does. Several stops are
    alternatives. Publishers obey within two seconds, senders are ordered to drop what they hold, moments wait. Ends
    with exit code 1 where a shard does not have it in time. Run the same command again where it was cut short.

    \b
    Examples:
      retention stop --by ada --why "wrong prices"
      retention stop --purpose marketing --country DE --by ada --why "storm"
      retention stop --action voucher --by ada --why "the code does not work"
    """
    quiet_libraries()
    from models.timeline.stop_types import Stop
    from streams.operations.stopping import stop_now

    wanted = Stop(0, by=by, why=why, **{key: tuple(sorted(set(given[key]))) for key in _KEYS})
    partitions = touchpoint_partitions(config)
    made, again, lack = asyncio.run(stop_now(config, partitions, wanted, wait))
    if as_json:
        echo_json({"stop": _data(made), "again": again, "flag": True, "not_read": lack})
    else:
        echo(f"stop {made.number}: {made.words}" + (", stopped before: written once more" if again else ""))
        echo("in force for publishers; senders are ordered to drop what they hold")
        _say_read(lack, partitions)
    sys.exit(ExitCode.FAILURE if lack else ExitCode.OK)


@click.command()
@click.argument("numbers", nargs=-1, type=int)
@_selectors
@click.option("--all", "every", is_flag=True, help="end all stops")
@click.option("--by", default="", help="who ends it")
@click.option("--why", default="", help="why")
@click.option("--wait", type=float, default=10.0, show_default=True, help="seconds to wait until all shards have it")
@json_option("one JSON object")
@configured("redis_cluster")
def resume(
    config: Config,
    numbers: tuple[int, ...],
    every: bool,
    by: str,
    why: str,
    wait: float,
    as_json: bool,
    **given: tuple[str, ...],
) -> None:
    """End stops: by their numbers, by the selectors with which they were made, or all.

    What waits goes on within its life.

    \b
    Examples:
      retention resume 1796000000000 --by ada
      retention resume --purpose marketing --country DE
      retention resume --all --by ada
    """
    quiet_libraries()
    selected = tuple(tuple(sorted(set(given[key]))) for key in _KEYS)
    if bool(numbers) + any(selected) + every != 1:
        raise click.UsageError("give numbers, selectors, or --all; `retention stops` shows what is stopped")
    from streams.operations.stopping import resume_now
    from streams.operations.stops import selectors

    every = every or bool(numbers)
    partitions = touchpoint_partitions(config)
    ending = resume_now(config, partitions, numbers, lambda one: every or selectors(one) == selected, (by, why), wait)
    ended, lack = asyncio.run(ending)
    if as_json:
        echo_json({"ended": [_data(one) for one in ended], "not_read": lack})
    elif not ended:
        echo("nothing to do: no such stop is in force")
    else:
        for one in ended:
            echo(f"ended: stop {one.number}: {one.words}")
        _say_read(lack, partitions)
    sys.exit(ExitCode.FAILURE if lack else ExitCode.OK)


@click.command()
@json_option("one JSON object")
@configured("redis_cluster")
def stops(config: Config, as_json: bool) -> None:
    """Show what is stopped, since when, by whom, and where it is in force.

    \b
    Examples:
      retention stops
      retention stops --json
    """
    quiet_libraries()
    found = asyncio.run(_stops(config, touchpoint_partitions(config)))
    if as_json:
        told = [{**_data(one.stop), "flag": one.flag, "shards": one.shards, "not_read": one.not_yet} for one in found]
        echo_json({"app": config.app, "stops": told})
        return
    if not found:
        echo("nothing is stopped")
    for one in found:
        since = datetime.fromtimestamp(one.stop.number / 1000, UTC).strftime(TIME)
        echo(f"stop {one.stop.number}: {one.stop.words}; since {since}, by {one.stop.by}: {one.stop.why}")
        if one.ended:
            held = ", ".join(map(str, one.shards))
            echo(f"  ended, and still held by shard {held}: run `retention resume {one.stop.number}` again")
            continue
        flag = "publishers and senders" if one.flag else "NOT for publishers: run the same `retention stop` again"
        lack = f"; not read yet by shard {', '.join(map(str, one.not_yet))}" if one.not_yet else ""
        echo(f"  in force for {flag}; {len(one.shards)} shards decide by it{lack}")


_KEYS = ("purposes", "actions", "countries", "kinds")


async def _stops(config: Config, partitions: int) -> list[Where]:
    from streams.operations.stops import stops_now

    async with store_of(config) as store:
        found, _ = await stops_now(store, partitions)
        return found


def _say_read(lack: list[int], partitions: int) -> None:
    if lack:
        told = "it lags, is parked, or its worker is of an older release (`retention stops` tells, `retention top` why)"
        echo(f"warning: shard {', '.join(map(str, lack))} does not decide by it yet: {told}", err=True)
    else:
        echo(f"read by all {partitions} shards")


def _data(one: Stop) -> dict[str, Any]:
    found = {name: list(getattr(one, name)) for name in _KEYS}
    return {"number": one.number, **found, "by": one.by, "why": one.why}
