"""What policies would have brought in the draws of our own learned choice, for the commands that tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from streams.cli.policy_values import evaluated, rows_learned
from streams.config import Config
from streams.text import moment

if TYPE_CHECKING:
    from models.decisions.policy.in_force import PolicyInForce
    from models.simulation.logged_values import Report

WHY = {
    "control": "of the control group, which got nothing of what was drawn",
    "open": "whose window is not over",
    "erased": "of customers who were erased since",
    "restricted": "of customers of whom nothing is learned",
    "alarm": "that an alarm kept from being learned",
    "other_features": "by other features than these",
    "unfit": "whose chances or outcome do not fit",
    "twice": "said twice",
    "without_draw": "outcomes whose draw the log no longer has",
}


OTHERWISE = (
    "other thresholds, gates, conditions or windows of a policy are not estimable: only its choice in these draws is"
)


class Told(NamedTuple):
    """What was evaluated. first: the line that says what it is."""

    first: str
    actions: list[str]
    summary: dict[str, Any]
    report: Report
    reward: str


def of_decisions(config: Config, files: Path | None, policies: Sequence[Path], train: float | None) -> Told:
    """policies: files, each valued by its figures in the same draws. files, train: as the options say.

    Raises DrawsUnfit where there are too few draws.
    """
    from models.decisions.choosing.described import DESCRIBED
    from models.simulation.new_policy import by_figures
    from streams.cli.audit import watched
    from streams.operations.audit.files import lines_of
    from streams.operations.own_draws import DrawsUnfit, read_draws

    wanted = {path: policy_of(path, 1) for path in policies}
    with ExitStack() as open_topics:
        found, unread = read_draws(watched(lines_of(config, files, open_topics)))
    try:
        learned = rows_learned(train, len(found.rows.rewards))
    except ValueError as error:
        raise DrawsUnfit(str(error)) from error
    others = [by_figures(new, found, path.name) for path, new in wanted.items()]
    summary, report = evaluated(found.rows, found.actions, learned, others)
    if wanted:
        summary["warnings"].append(OTHERWISE)
    for path, new in wanted.items():
        if new.policy.choice.learned:
            summary["warnings"].append(f"the choice of {path.name} learns: by its figures is only how it begins")
    summary |= {"none": found.actions[0], "features": [*DESCRIBED[1:]], "left_out": [], "unread": unread}
    summary["draws"] = {"read": found.draws, "from": found.first, "until": found.last, "not_judged": found.left_out}
    summary["warnings"] += [f"{count:,} {WHY[why]}: left out" for why, count in found.left_out.items() if count]
    if unread:
        summary["warnings"].append(f"{unread:,} records could not be read")
    first = (
        f"{summary['rows']:,} draws of {found.draws:,} whose windows are over, {moment(found.first)} to "
        f"{moment(found.last)}, {len(found.actions)} actions; money is what the window brought less contacts, "
        "discounts and harm"
    )
    return Told(first, found.actions, summary, report, "money of a window")


def policy_of(path: Path, number: int) -> PolicyInForce:
    """The policy in a file. Raises PolicyRefused, OSError."""
    from streams.operations.policy import PolicyRefused, read

    try:
        return read(path.read_bytes().decode("utf-8"), number)
    except UnicodeDecodeError as error:
        raise PolicyRefused(f"{path} is not in UTF-8 from byte {error.start} on") from error
    except PolicyRefused as error:
        raise PolicyRefused(f"{path}: {error}", error.problems) from error
