"""`retention policy propose`, `approve`, `apply` and `rollback`: a change's way into force."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.choices import ms_of_time, say_read
from streams.cli.options import a_file, configured, echo, echo_json, json_option, quiet_libraries
from streams.cli.policy.files import text_of
from streams.cli.policy.group import by_option, file_argument
from streams.cli.policy.telling import say_changes, say_forecast, say_proposal, told
from streams.config import Config
from streams.kafka.security import kafka_connection

if TYPE_CHECKING:
    from streams.operations.policy.bringing import Asked, Brought
    from streams.operations.policy.sight import Sight

base_option = click.option(
    "--from", "base", metavar="SHA256", help="refuse unless this policy was applied last (none: none was)"
)
at_option = click.option(
    "--at", metavar="TIME", help="from the first version boundary at or after this log time on (RFC 3339)"
)
yes_option = click.option(
    "--yes", metavar="N", type=int, default=0, help="go on where up to N customers are touched in the first day"
)
NUMBER_OR_HASH = re.compile("[0-9a-f]+(-[0-9a-f]+)?")
wait_option = click.option("--wait", metavar="SECONDS", default=10.0, help="how long to wait for the shards to read it")


@click.command()
@file_argument
@by_option
@click.option("--reason", metavar="WHY", required=True, help="why; kept with it")
@base_option
@json_option("one JSON object")
@configured("redis_cluster")
def propose(config: Config, file: Path, by: str, reason: str, base: str | None, as_json: bool) -> None:
    """Propose a policy, for others to approve. Nothing comes into force by it.

    The whole file is kept under a number, with the policy from which it was made: the one that was applied last. Where
    that is not the one of --from, or something else is applied before it, it is refused.

    \b
    Examples:
      retention policy propose policy.toml --by ada --reason "less e-mail" --from 3f0c9a51
    """
    quiet_libraries()
    from streams.operations.policy import read
    from streams.operations.policy.data import differing, proposal_data
    from streams.operations.policy.sight import sight_of

    sight, text = sight_of(config), text_of(file)
    found = sight.forecast(read(text))
    touched = found.data()["day"]
    put, new = sight.with_changes(lambda changes: changes.propose(text, by, reason, base, _now(), touched=touched))
    if as_json:
        changed = differing(sight.last, put.policy)
        echo_json({"proposal": proposal_data(put), "new": new, "changed": changed, "touched": found.data()})
        return
    say_changes(differing(sight.last, put.policy))
    say_forecast(found)
    say_proposal(put)
    if not new:
        echo("it was proposed before")


@click.command()
@click.argument("proposal", metavar="NUMBER|SHA256")
@by_option
@json_option("one JSON object")
@configured("redis_cluster")
def approve(config: Config, proposal: str, by: str, as_json: bool) -> None:
    """Approve a proposal. `retention policy proposals` tells the numbers.

    \b
    Examples:
      retention policy approve 1764500000000 --by bert
    """
    quiet_libraries()
    from streams.operations.policy.data import proposal_data
    from streams.operations.policy.sight import sight_of

    put = sight_of(config).with_changes(lambda changes: changes.approve(proposal, by, _now()))
    if as_json:
        echo_json({"proposal": proposal_data(put)})
    else:
        say_proposal(put)


@click.command()
@click.argument("what", metavar="FILE|NUMBER|SHA256", shell_complete=a_file)
@by_option
@click.option("--reason", metavar="WHY", default="", help="why; kept in the record and in the decisions topic")
@base_option
@at_option
@yes_option
@click.option("--dry-run", is_flag=True, help="show what would change, and write nothing")
@wait_option
@json_option("one JSON object")
@configured("redis_cluster")
def apply(
    config: Config,
    what: str,
    by: str,
    reason: str,
    base: str | None,
    at: str | None,
    yes: int,
    dry_run: bool,
    wait: float,
    as_json: bool,
) -> None:
    """Bring a policy into force: a file's, or a proposal's.

    Writes a record into every partition of the touchpoints log. Every decision behind it is made under the new policy;
    the decisions topic says so. With --at the policy waits in every shard for the first version boundary from that log
    time on; whatever is applied later takes its place. Run the same command again where it was cut short: whoever has
    the policy passes it over, and where every shard has it nothing is written.

    Where the policy from which it was made has `[people]`, it must have been proposed, and approved by those who may.

    \b
    Examples:
      retention policy apply policy.toml --by ada --reason "less e-mail" --dry-run
      retention policy apply policy.toml --by ada --reason "less e-mail" --from 3f0c9a51
      retention policy apply 1764500000000 --by ada --at 2026-12-01T00:00:00Z
    """
    quiet_libraries()
    from streams.operations.policy.bringing import Asked
    from streams.operations.policy.sight import sight_of

    sight, from_then = sight_of(config), ms_of_time(at, "--at")
    if Path(what).is_file():
        text = text_of(Path(what))
    elif NUMBER_OR_HASH.fullmatch(what):
        text = sight.with_changes(lambda changes: changes.text_of(what))
    else:
        raise click.BadParameter(f"{what!r}: no such file, nor the number or hash of a proposal", param_hint="FILE")
    _bring(sight, text, Asked(by, reason, base, from_then, yes, dry_run, wait), as_json)


@click.command()
@click.argument("number", type=int)
@by_option
@click.option("--reason", metavar="WHY", required=True, help="why; kept in the record and in the decisions topic")
@yes_option
@wait_option
@json_option("one JSON object")
@configured("redis_cluster")
def rollback(config: Config, number: int, by: str, reason: str, yes: int, wait: float, as_json: bool) -> None:
    """Go back to a policy that was applied once: its text comes into force under a new number.

    `retention policy history` tells the numbers. Where the policy in force has `[people]`, the old text is proposed,
    needs the approvals of any other change, and the same command brings it into force then.

    \b
    Examples:
      retention policy rollback 1764400000000 --by ada --reason "too many complaints"
    """
    quiet_libraries()
    from streams.operations.policy.bringing import Asked
    from streams.operations.policy.data import proposal_data
    from streams.operations.policy.in_log import InLog, all_in
    from streams.operations.policy.sight import sight_of

    sight = sight_of(config)

    async def in_log() -> list[InLog]:
        return all_in(kafka_connection(config), config.topic("touchpoints"))

    text = sight.with_changes(lambda changes: changes.former(number, in_log))
    stands = sight.stands
    asks_people = stands is not None and stands.policy.policy.people is not None
    if stands is not None and asks_people and stands.policy.text != text:
        put, _ = sight.with_changes(lambda changes: changes.propose(text, by, reason, None, _now(), number))
        if put.lacks:
            if as_json:
                echo_json({"proposal": proposal_data(put)})
            else:
                say_proposal(put)
            return
    _bring(sight, text, Asked(by, reason, yes=yes, wait_s=wait), as_json)


def _bring(sight: Sight, text: str, asked: Asked, as_json: bool) -> None:
    """Apply a text, and tell it."""
    from streams.operations.policy.bringing import bring

    brought = bring(sight, text, asked)
    _say(sight.config, brought, as_json)
    if brought.newer is not None:
        echo(f"warning: {told(brought.newer)} was applied since, and takes its place", err=True)


def _say(config: Config, brought: Brought, as_json: bool) -> None:
    from streams.operations.policy.data import differing, named

    plan, topic = brought.plan, config.topic("touchpoints")
    changed = {} if plan is None else differing(plan.before, plan.policy)
    if as_json:
        policy, (have, lack) = None if plan is None else named(plan.policy), brought.read or ((), ())
        lines = {"policy": policy, "changed": changed, "topic": topic, "offsets": list(brought.offsets)}
        at = (plan.at or None) if plan is not None else None
        echo_json({**lines, "touched": brought.found.data(), "at": at, "read": list(have), "not_read": list(lack)})
        return
    if plan is None:
        echo("nothing to do: every shard has this policy")
        return
    if plan.repeats:
        echo("applied before, and not read by every shard")
    say_changes(changed)
    say_forecast(brought.found)
    if not brought.offsets or brought.read is None:
        echo("nothing was written: --dry-run")
        return
    echo(f"written into {len(brought.offsets)} partitions of {topic} as {told(plan.policy)}")
    say_read(brought.read, "retention policy show")
    if any(moment.sort == "date" for moment in plan.policy.policy.moment.values()) and "moment" in str(changed):
        echo("moments of dates or silences changed: run `retention sweep`, so that whoever lacks a timer gets one")


def _now() -> int:
    return int(time.time() * 1000)
