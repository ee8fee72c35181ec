"""`retention evaluate-policy`: what a learned choice of actions would have brought on a log of randomised ones."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.log_evaluation import make_folder, written
from streams.cli.options import a_file, configured, echo, echo_json, files_option, json_option, quiet_libraries
from streams.cli.own_values import Told, of_decisions
from streams.cli.policy_values import evaluated, lines, rows_learned
from streams.config import Config

if TYPE_CHECKING:
    from streams.history.evaluation.decision_log import ColumnsNamed


@click.command(name="evaluate-policy")
@click.argument(
    "log", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path), shell_complete=a_file
)
@click.option("--actions", metavar="COLUMN", help="what was done")
@click.option("--reward", metavar="COLUMN", help="what came of it, a number")
@click.option("--propensity", metavar="COLUMN|NUMBER", help="the chance of what was done")
@click.option("--features", metavar="COLUMN,...", help="what was known before, comma-separated")
@click.option("--cost", metavar="COLUMN", help="what it cost, subtracted from the reward")
@click.option("--none", metavar="ACTION", help="the action that means: nothing was done")
@click.option("--from-decisions", is_flag=True, help="evaluate the draws of this application's learned choice instead")
@files_option("with --from-decisions: ")
@click.option(
    "--policy",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    shell_complete=a_file,
    help="with --from-decisions: what this policy file would have brought by its figures",
)
@click.option(
    "--train",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="FRACTION",
    help="learn from this share of the rows, the first ones, and judge on the rest",
)
@click.option("--plots", type=click.Path(file_okay=False, path_type=Path), help="folder for the picture (PNG)")
@json_option("one JSON object")
@configured("mode")
def evaluate_policy(
    config: Config,
    log: Path | None,
    actions: str | None,
    reward: str | None,
    propensity: str | None,
    features: str | None,
    cost: str | None,
    none: str | None,
    from_decisions: bool,
    files: Path | None,
    policy: Path | None,
    train: float | None,
    plots: Path | None,
    as_json: bool,
) -> None:
    """What would a learned choice of actions have brought on this log, and what each action for everybody?

    LOG is CSV, plain or gzip, of decisions that were drawn by chance: what was done, how likely it was, what came, what
    was known before. It goes through the learned choice in its own order, once: each row is decided by what the rows
    before it taught. So sort it by time.

    With --from-decisions the log is this application's own: the draws of its learned choice whose windows are over.

    \b
    Examples:
      retention evaluate-policy mailing.csv.gz --actions segment --reward visit --propensity 0.333 \\
        --features recency,history,channel
      retention evaluate-policy offers.csv --actions offer --reward margin --cost discount \\
        --propensity chance --features age,tenure --train 0.5 --json
      retention evaluate-policy --from-decisions
    """
    columns = {"--actions": actions, "--reward": reward, "--propensity": propensity, "--features": features}
    optional = {"--cost": cost, "--none": none}
    begun = time.monotonic()
    if from_decisions:
        named = [name for name, value in {"LOG": log, **columns, **optional}.items() if value is not None]
        if named:
            raise click.UsageError(f"{named[0]} is of a log of another kind: leave it out with --from-decisions")
        quiet_libraries()
        make_folder(plots)
        told = of_decisions(config, files, [] if policy is None else [policy], train)
    else:
        for name, value in {"--files": files, "--policy": policy}.items():
            if value is not None:
                raise click.UsageError(f"{name} is of our own decisions: give --from-decisions, or a LOG without it")
        if log is None:
            raise click.UsageError("Missing argument 'LOG' (or --from-decisions, for our own draws)")
        if actions is None or reward is None or propensity is None or features is None:
            missing = next(name for name, value in columns.items() if value is None)
            raise click.UsageError(f"Missing option '{missing}': LOG may have any columns")
        from streams.history.evaluation.decision_log import ColumnsNamed

        names = tuple(name.strip() for name in features.split(",") if name.strip())
        if not names:
            raise click.UsageError(f"--features is {features!r}; it must name at least one column")
        told = _of_log(log, ColumnsNamed(actions, reward, propensity, names, cost, none), train, plots)
    summary = told.summary | {"seconds": round(time.monotonic() - begun, 1)}
    if plots is not None:
        from streams.history.evaluation.value_plots import draw

        with written("--plots", plots):
            summary["plots"] = [str(path) for path in draw(plots, told.report, told.reward)]
    if as_json:
        echo_json(summary)
        return
    echo(told.first)
    for line in lines(summary, told.report, told.actions):
        echo(line)


def _of_log(log: Path, named: ColumnsNamed, train: float | None, plots: Path | None) -> Told:
    import numpy as np

    from models.simulation.log_features import columns_of, encoded
    from models.simulation.logged_choice import MOST_COEFFICIENTS, Logged
    from streams.history.evaluation.decision_log import DecisionLogUnfit, read_decisions

    try:
        found = read_decisions(log, named)
    except OSError as error:
        raise DecisionLogUnfit(f"{log}: {error.strerror or error}") from error
    try:
        learned = rows_learned(train, len(found.rewards))
    except ValueError as error:
        raise DecisionLogUnfit(str(error)) from error
    make_folder(plots)
    columns = columns_of(found.table, min(48, MOST_COEFFICIENTS // len(found.actions)) - 1)
    rows = Logged(
        encoded(found.table, columns, learned),
        np.array(found.taken, dtype=np.int64),
        np.array(found.propensities),
        np.array(found.rewards),
        len(found.actions),
    )
    summary, report = evaluated(rows, found.actions, learned)
    if not found.none:
        summary["warnings"].append(
            f"no action surely means that nothing was done; {found.actions[0]!r}, the most frequent, is what others "
            "are held against: name another with --none"
        )
    summary["none"] = found.actions[0] if found.none else None
    summary["features"] = [name for column in columns for name in column.names]
    summary["left_out"] = [name for name in found.table if name not in {column.name for column in columns}]
    reward = named.reward if named.cost is None else f"{named.reward} less {named.cost}"
    first = (
        f"{summary['rows']:,} decisions of {log.name}, {len(found.actions)} actions, {reward}; "
        f"{len(summary['features'])} features of {len(found.table) - len(summary['left_out'])} columns"
    )
    return Told(first, found.actions, summary, report, named.reward)
