"""`retention simulate`: what a policy would have done on a log."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli.log_evaluation import counted, make_folder, told_versions, written
from streams.cli.options import a_file, a_log, configured, echo, echo_json, files_option, json_option
from streams.cli.own_values import Told, of_decisions, policy_of
from streams.cli.policy_values import lines as value_lines
from streams.cli.simulate_lines import compared, lines
from streams.config import Config

if TYPE_CHECKING:
    from models.simulation.rehearsal import Rehearsal

a_policy = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("log", shell_complete=a_log)
@click.option("--policy", "new", type=a_policy, required=True, shell_complete=a_file, help="the policy file")
@click.option("--against", "old", type=a_policy, shell_complete=a_file, help="another one, to compare it with")
@click.option("--plots", type=click.Path(file_okay=False, path_type=Path), help="folder for the pictures (PNG)")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="write what was triggered and decided there, for `audit --files` and `lift --files`",
)
@click.option("--triggers", is_flag=True, help="list what is sent, taken back, or given to a person, and nothing else")
@click.option(
    "--from-decisions",
    is_flag=True,
    help="tell too what the policies would have brought in the draws of this application's learned choice",
)
@files_option("with --from-decisions: ")
@json_option("one JSON object")
@configured("mode", "horizon_days", "tick_days", "alive", "partitions", "log_gap_days")
def simulate(
    config: Config,
    log: str,
    new: Path,
    old: Path | None,
    plots: Path | None,
    keep: Path | None,
    triggers: bool,
    from_decisions: bool,
    files: Path | None,
    as_json: bool,
) -> None:
    """What would a policy have done on this log: whom it would have contacted, how, when, and what held it back?

    LOG as for `retention replay`; `cdnow` is the public data set. The log goes through the engine as `retention
    evaluate` sends it, with the policy in force from its beginning: the same records, model, gates, draw and waits as
    live. Money is by the policy's own figures.

    What it cannot know: nobody in the log reacts to what would have been sent. Nobody comes back for it, declines it,
    redeems it or unsubscribes, and each trigger counts as delivered when it expires. So it tells how often, whom and at
    what expense, and not what it would have brought. That can be told of draws whose chances are known: with
    --from-decisions it is estimated from those of a learned choice, where they overlap with what the policy would do.

    \b
    Examples:
      retention simulate --policy policy.toml cdnow
      retention simulate --policy policy.toml events.jsonl --triggers
      retention simulate --policy new.toml --against old.toml purchases.csv.gz --plots plots/
      retention simulate --policy new.toml --from-decisions --files said/ events.jsonl
    """
    # Before the log is read: a policy's faults are told at once.
    wanted = {path: policy_of(path, number) for number, path in enumerate((new, old), 1) if path is not None}
    if files is not None and not from_decisions:
        raise click.UsageError("--files is of our own decisions: give --from-decisions beside it")
    valued = of_decisions(config, files, [*wanted], None) if from_decisions else None
    from streams.history.evaluation.policies import purchases_of, simulate  # loads River
    from streams.history.evaluation.run import prepare

    begun = time.monotonic()
    prepared = prepare(config, log, counted())
    make_folder(plots)
    if keep is not None:
        with written("--keep", keep):
            keep.mkdir(parents=True, exist_ok=True)
    purchases = purchases_of(prepared.events)
    # In the order of the command line: one run at a time, since each holds all records.
    found = {
        path: simulate(
            prepared, policy, purchases, told_versions(), keeps=(triggers or keep is not None) and path == new
        )
        for path, policy in wanted.items()
    }
    world = found[new].world
    if keep is not None and world is not None:
        with written("--keep", keep):
            _keep(keep, world)
    if triggers and world is not None:
        for line in _sent(world):
            echo(line)
        return
    told = {path: {"file": str(path), "sha256": wanted[path].sha256} | one.report for path, one in found.items()}
    summary: dict[str, Any] = {
        "events": len(prepared.events),
        "passed_over": dict(prepared.passed_over.most_common()),
        "policy": told[new],
        "against": None if old is None else told[old],
        "difference": None if old is None else _difference(told[new], told[old]),
        "seconds": round(time.monotonic() - begun, 1),
    }
    if valued is not None:
        summary["values"] = valued.summary
    if plots is not None:
        from streams.history.evaluation.policy_plots import draw

        with written("--plots", plots):
            drawn = draw(plots, {str(path): one.tally for path, one in found.items()})
            summary["plots"] = [str(path) for path in drawn]
    if as_json:
        echo_json(summary)
        return
    for line in _lines(summary):
        echo(line)
    if valued is not None:
        for line in ("", f"what they would have brought: {valued.first}", *values_told(valued)):
            echo(line)


def _sent(world: Rehearsal) -> Iterator[str]:
    """What is sent, taken back or given to a person, in the order of time."""
    from models.outputs import TASK
    from streams.cli.output_lines import line

    task = f'"{TASK}"'.encode()
    found = [
        (output.time, number, at, output)
        for number, shard in enumerate(world.shards)
        for at, output in enumerate(shard.outputs)
        if output.role == "triggers" or (output.role == "decisions" and task in output.value)
    ]
    return (line(output.value) for *_, output in sorted(found, key=lambda one: one[:3]))


def _keep(folder: Path, world: Rehearsal) -> None:
    """The three topics as they would have been, as files."""
    from streams.operations.audit.files import written as written_there
    from streams.operations.audit.records import Arrival, Line

    def line(number: int) -> Line:
        shard = world.shards[number]
        said, decided = (
            [output.value for output in shard.outputs if output.role == role] for role in ("triggers", "decisions")
        )
        return Line(
            number, [Arrival(one.offset, one.timestamp, one.key, one.value) for one in shard.log], said, decided
        )

    for walked in written_there(folder, map(line, range(len(world.shards)))):
        for part in (walked.touchpoints, walked.triggers, walked.decisions):
            for _ in part:
                pass


def values_told(valued: Told) -> Iterator[str]:
    """What the policies would have brought in the draws, and where these do not tell."""
    return value_lines(valued.summary, valued.report, valued.actions)


def _difference(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    from models.simulation.policy_report import difference

    return difference(new, old)


def _lines(summary: Mapping[str, Any]) -> Iterator[str]:
    yield from lines(summary["policy"])
    if summary["against"] is not None:
        yield ""
        yield from compared(summary["policy"], summary["against"], summary["difference"])
    plots: Sequence[str] = summary.get("plots", ())
    yield from plots
