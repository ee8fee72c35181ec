"""`retention policy`: look at a policy file, at the policy in force, at what differs, and apply a new one."""

from __future__ import annotations

import asyncio
import sys
import time
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli.choices import Read, read_in_time, say_read, touchpoint_partitions
from streams.cli.options import a_file, configured, echo, echo_json, json_option, quiet_libraries
from streams.cli.redis_access import store_of
from streams.config import Config
from streams.errors import ExitCode
from streams.kafka.security import kafka_connection

if TYPE_CHECKING:
    from models.decisions.policy.in_force import PolicyInForce
    from streams.operations.policy import Plan, ShardPolicyNow

file_argument = click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), shell_complete=a_file
)


@click.group()
def policy() -> None:
    """What decides about customers: moments, actions, limits of contact, in one file.

    A policy comes into force by a record of the touchpoints log, in every partition, so that a replay of the log
    decides the same. Until one is applied the engine asks for `win_back`, or care, at one threshold.

    \b
    Examples:
      retention policy example > policy.toml
      retention policy check policy.toml
      retention policy apply policy.toml --by ada --reason "first policy"
      retention policy show
    """


@policy.command()
def example() -> None:
    """Print an example policy, commented: a shop that keeps its customers.

    \b
    Examples:
      retention policy example > policy.toml
    """
    click.echo(example_text(), nl=False)


@policy.command()
@file_argument
@json_option("one JSON object")
def check(file: Path, as_json: bool) -> None:
    """Say all that is wrong with a policy file, key by key, and what is worth a second look.

    Ends with exit code 1 where something is wrong.

    \b
    Examples:
      retention policy check policy.toml
      retention policy check policy.toml --json
    """
    from models.decisions.policy.reading import PolicyUnfit, read_policy
    from models.decisions.policy.remarks import remarks
    from models.decisions.policy.structure import Problem

    found, problems = None, list[Problem]()
    try:
        found = read_policy(file.read_bytes())
    except PolicyUnfit as error:
        problems = list(error.problems)
    told = [] if found is None else remarks(found)
    if as_json:
        named = [{"key": one.key, "value": one.value or None, "takes": one.takes} for one in problems]
        echo_json({"file": str(file), "fit": found is not None, "problems": named, "remarks": told})
    else:
        for problem in problems:
            echo(f"wrong   {problem.words}")
        for remark in told:
            echo(f"look    {remark}")
        if found is not None:
            counts = f"{_many(len(found.moment), 'moment')}, {_many(len(found.action), 'action')}"
            echo(f"{file}: a policy of {counts}, {_many(len(found.channel), 'channel')}")
        else:
            echo(f"{file}: {_many(len(problems), 'fault')}; docs/policy.md tells what each key takes", err=True)
    sys.exit(ExitCode.OK if found is not None else ExitCode.FAILURE)


@policy.command()
@click.option(
    "--text", "only_text", is_flag=True, help="print the file of the newest policy in force, and nothing else"
)
@json_option("one JSON object")
@configured("redis_cluster")
def show(config: Config, only_text: bool, as_json: bool) -> None:
    """Show which policy is in force in every shard.

    \b
    Examples:
      retention policy show
      retention policy show --text > policy.toml
      retention policy show --json
    """
    quiet_libraries()
    from streams.operations.policy import lacking, newest

    shards = asyncio.run(_shards(config))
    last = newest(shards)
    if as_json:
        told = [{"shard": shard, "policy": _name(now.policy)} for shard, now in shards.items()]
        newest_one = None if last is None else {**(_name(last) or {}), "text": last.text}
        echo_json({"app": config.app, "shards": told, "newest": newest_one})
        return
    if only_text:
        click.echo("" if last is None else last.text, nl=False)
        return
    alike: dict[str, list[int]] = {}
    for shard, now in shards.items():
        alike.setdefault(_told(now.policy), []).append(shard)
    for text, which in alike.items():
        echo(f"{'shard' if len(which) == 1 else 'shards'} {', '.join(map(str, which))}: {text}")
    if behind := lacking(shards):
        told_behind = f"not read yet by shard {', '.join(map(str, behind))}"
        echo(f"warning: {told_behind}; start a worker, or repeat `retention policy apply` with the same file", err=True)


@policy.command()
@file_argument
@json_option("one JSON object")
@configured("redis_cluster")
def diff(config: Config, file: Path, as_json: bool) -> None:
    """Show what a file would change of the policy in force, key by key.

    \b
    Examples:
      retention policy diff policy.toml
    """
    quiet_libraries()
    from streams.operations.policy import newest, read

    wanted, last = read(text_of(file)), newest(asyncio.run(_shards(config)))
    changed = _differences(last, wanted)
    if as_json:
        echo_json({"from": _name(last), "sha256": wanted.sha256, "changed": changed})
        return
    echo(f"in force: {_told(last)}")
    _say_changes(changed)
    if not changed:
        alike = last is not None and last.sha256 == wanted.sha256
        echo("nothing differs" if alike else "no key differs: only comments, order or form do")


@policy.command()
@file_argument
@click.option("--by", metavar="WHO", required=True, help="who applies it; kept in the record")
@click.option("--reason", metavar="WHY", default="", help="why; kept in the record and in the decisions topic")
@click.option("--from", "base", metavar="SHA256", help="refuse unless this policy is in force (none: no policy is)")
@click.option("--dry-run", is_flag=True, help="show what would change, and write nothing")
@click.option("--wait", metavar="SECONDS", default=10.0, help="how long to wait for the shards to read it")
@json_option("one JSON object")
@configured("redis_cluster")
def apply(
    config: Config,
    file: Path,
    by: str,
    reason: str,
    base: str | None,
    dry_run: bool,
    wait: float,
    as_json: bool,
) -> None:
    """Bring a policy into force.

    Writes a record into every partition of the touchpoints log. Every decision behind it is made under the new policy;
    the decisions topic says so. Run the same command again where it was cut short: whoever has the policy passes it
    over, and where every shard has it nothing is written. The old file, applied again, is the way back.

    \b
    Examples:
      retention policy apply policy.toml --by ada --reason "less e-mail" --dry-run
      retention policy apply policy.toml --by ada --reason "less e-mail" --from 3f0c9a51
    """
    quiet_libraries()
    from streams.operations.policy import planned, read_by, record_of, write

    partitions = touchpoint_partitions(config)
    shards = asyncio.run(_shards(config, partitions))
    plan = planned(shards, text_of(file), by, reason, base, int(time.time() * 1000))
    if plan is None or dry_run:
        if plan is not None:
            record_of(plan, plan.policy.number)
        _say(config, plan, as_json, [], None)
        return
    offsets = write(kafka_connection(config), config.topic("touchpoints"), partitions, shards, plan)
    read = read_in_time(config, lambda store: read_by(store, config.app, partitions, plan.policy, wait))
    _say(config, plan, as_json, offsets, read)


def _say(config: Config, plan: Plan | None, as_json: bool, offsets: list[int], read: Read | None) -> None:
    """Args:
    config: of the command.
    plan: what was to be written; None: nothing.
    as_json: for machines.
    offsets: where it was written, by partition; none: nowhere.
    read: the shards that have read it by now, and the others.
    """
    changed = {} if plan is None else _differences(plan.before, plan.policy)
    topic = config.topic("touchpoints")
    if as_json:
        named = None if plan is None else _name(plan.policy)
        told = {"policy": named, "changed": changed, "topic": topic, "offsets": offsets}
        have, lack = read or ((), ())
        echo_json({**told, "read": list(have), "not_read": list(lack)})
        return
    if plan is None:
        echo("nothing to do: every shard has this policy")
        return
    if plan.repeats:
        echo("applied before, and not read by every shard")
    _say_changes(changed)
    if not offsets or read is None:
        echo("nothing was written: --dry-run")
        return
    echo(f"written into {len(offsets)} partitions of {topic} as {_told(plan.policy)}")
    say_read(read, "retention policy show")


def _say_changes(changed: dict[str, list[Any]]) -> None:
    from models.decisions.policy.wording import shown

    for key, (old, new) in changed.items():
        echo(f"{key}  {'-' if old is None else shown(old)} -> {'-' if new is None else shown(new)}")


def _differences(old: PolicyInForce | None, new: PolicyInForce) -> dict[str, list[Any]]:
    from models.decisions.policy.differences import differences

    found = differences(None if old is None else old.policy, new.policy)
    return {key: list(values) for key, values in found.items()}


async def _shards(config: Config, partitions: int | None = None) -> dict[int, ShardPolicyNow]:
    from streams.operations.policy import shards_now  # loads River

    async with store_of(config) as store:
        return await shards_now(store, config.app, touchpoint_partitions(config) if partitions is None else partitions)


def example_text() -> str:
    """The packaged example policy."""
    return (files("models.decisions.policy") / "example.toml").read_text(encoding="utf-8")


def text_of(file: Path) -> str:
    """A policy file's text. Raises PolicyRefused where it is not in UTF-8."""
    from streams.operations.policy import PolicyRefused

    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise PolicyRefused(f"{file} is not in UTF-8 from byte {error.start} on") from error


def _name(policy: PolicyInForce | None) -> dict[str, Any] | None:
    return None if policy is None else {"name": policy.name, "number": policy.number, "sha256": policy.sha256}


def _told(policy: PolicyInForce | None) -> str:
    return "no policy" if policy is None else f"policy {policy.name} (sha256 {policy.sha256})"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
