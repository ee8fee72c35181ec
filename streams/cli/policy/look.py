"""`retention policy show`, `diff`, `proposals` and `history`: what there is, and how it came about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streams.cli.options import configured, echo, echo_json, json_option, quiet_libraries
from streams.cli.policy.files import text_of
from streams.cli.policy.group import file_argument
from streams.cli.policy.telling import say_changes, say_forecast, say_proposal, told
from streams.config import Config
from streams.kafka.security import kafka_connection
from streams.text import moment


@click.command()
@click.option(
    "--text", "only_text", is_flag=True, help="print the file of the newest policy in force, and nothing else"
)
@json_option("one JSON object")
@configured("redis_cluster")
def show(config: Config, only_text: bool, as_json: bool) -> None:
    """Show which policy is in force in every shard, and which waits for its time.

    \b
    Examples:
      retention policy show
      retention policy show --text > policy.toml
      retention policy show --json
    """
    quiet_libraries()
    from streams.operations.policy import lacking, newest
    from streams.operations.policy.data import named
    from streams.operations.policy.sight import shards_of

    shards = shards_of(config)
    last = newest(shards)
    if as_json:
        each = [
            {"shard": shard, "policy": named(now.policy), "waiting": named(now.waiting), "at": now.at or None}
            for shard, now in shards.items()
        ]
        newest_one = None if last is None else {**(named(last) or {}), "text": last.text}
        echo_json({"app": config.app, "shards": each, "newest": newest_one})
        return
    if only_text:
        click.echo("" if last is None else last.text, nl=False)
        return
    alike: dict[str, list[int]] = {}
    for shard, now in shards.items():
        waits = f"; {told(now.waiting)} waits for {moment(now.at)}" if now.waiting is not None else ""
        alike.setdefault(told(now.policy) + waits, []).append(shard)
    for text, which in alike.items():
        echo(f"{'shard' if len(which) == 1 else 'shards'} {', '.join(map(str, which))}: {text}")
    if behind := lacking(shards):
        told_behind = f"not read yet by shard {', '.join(map(str, behind))}"
        echo(f"warning: {told_behind}; start a worker, or repeat `retention policy apply` with the same file", err=True)


@click.command()
@file_argument
@json_option("one JSON object")
@configured("redis_cluster")
def diff(config: Config, file: Path, as_json: bool) -> None:
    """Show what a file would change of the policy that was applied last, key by key, and whom it would touch.

    \b
    Examples:
      retention policy diff policy.toml
    """
    quiet_libraries()
    from streams.operations.policy import read
    from streams.operations.policy.data import differing, named
    from streams.operations.policy.sight import sight_of

    wanted, sight = read(text_of(file)), sight_of(config)
    changed, found = differing(sight.last, wanted), sight.forecast(wanted)
    if as_json:
        echo_json({"from": named(sight.last), "sha256": wanted.sha256, "changed": changed, "touched": found.data()})
        return
    echo(f"in force: {told(sight.last)}")
    say_changes(changed)
    if not changed:
        alike = sight.last is not None and sight.last.sha256 == wanted.sha256
        echo("nothing differs" if alike else "no key differs: only comments, order or form do")
    say_forecast(found)


@click.command()
@json_option("one JSON object")
@configured("redis_cluster")
def proposals(config: Config, as_json: bool) -> None:
    """Show what is proposed, who has approved it, and what it lacks.

    \b
    Examples:
      retention policy proposals
    """
    quiet_libraries()
    from streams.operations.policy.data import proposal_data
    from streams.operations.policy.sight import sight_of

    puts = sight_of(config).with_changes(lambda changes: changes.proposals())
    if as_json:
        echo_json({"app": config.app, "proposals": [proposal_data(put) for put in puts]})
        return
    for put in puts:
        say_proposal(put)
    if not puts:
        echo("nothing is proposed")


@click.command()
@click.option("--log", "whole_log", is_flag=True, help="look through the whole log, too: what the store has lost")
@json_option("one JSON object")
@configured("redis_cluster")
def history(config: Config, whole_log: bool, as_json: bool) -> None:
    """Show who applied which policy when, why, from which one, and who proposed and approved it.

    It is kept in the store from the first change on that was made with this command. The log has it in any case.

    \b
    Examples:
      retention policy history
      retention policy history --log --json
    """
    quiet_libraries()
    from streams.operations.policy.history import history_of
    from streams.operations.policy.in_log import all_in
    from streams.operations.policy.sight import sight_of

    sight = sight_of(config)
    in_log = all_in(kafka_connection(config), config.topic("touchpoints")) if whole_log else sight.view.unread
    entries = sight.with_changes(lambda changes: history_of(changes, in_log))
    if as_json:
        echo_json({"app": config.app, "policies": entries})
        return
    for entry in entries:
        _say_entry(entry)
    if not entries:
        echo("no policy was ever applied" if whole_log else "none is kept; --log looks through the log")


def _say_entry(entry: dict[str, Any]) -> None:
    by, reason = entry["by"] or "somebody", f": {entry['reason']}" if entry["reason"] else ""
    time = moment(entry["time"]) if entry["time"] else "before"
    echo(f"{entry['name']}  {time}  by {by}{reason}")
    about = [f"made from {entry['base']}"] if entry["base"] else []
    about += [f"proposed by {entry['proposer']}"] if entry["proposer"] else []
    about += [f"approved by {', '.join(entry['approvers'])}"] if entry["approvers"] else []
    about += [f"from {moment(entry['at'])} on"] if entry["at"] else []
    if about:
        echo(f"  {'; '.join(about)}")
