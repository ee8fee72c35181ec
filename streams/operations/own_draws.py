"""Reads an application's decisions and triggers into draws whose outcomes and chances are known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from models.decisions.choosing.described import SIZE
from models.outputs import Trigger
from models.simulation.logged_choice import MOST_COEFFICIENTS
from models.simulation.own_draws import Heard, Joined, joined
from streams.errors import EngineError
from streams.operations.audit.records import Line, Unread

MOST_ARMS: Final = MOST_COEFFICIENTS // SIZE - 1
"""Beside leaving alone."""


class DrawsUnfit(EngineError):
    """There are no draws whose windows are over, or too many different ones."""

    remedy = (
        "switch the learned choice on (choice.learned in the policy) and wait until response windows are over; "
        "`retention lift` tells of draws by a policy's figures"
    )


class TooManyContents(DrawsUnfit):
    """There are more contents of actions than can be learned side by side."""

    remedy = "give --files with the decisions of a shorter time"


def read_draws(lines: Iterable[Line]) -> tuple[Joined, int]:
    """Read partitions, one after the other. Gives the rows, and how many records could not be read.

    Raises DrawsUnfit, TooManyContents.
    """
    heard, costs, unread = Heard(), dict[str, float](), 0
    for line in lines:
        records, unsent = Unread(), set[str]()
        for decision in records.decisions(line.decisions):
            heard.takes(decision)
            if decision.what == "given_back":
                unsent.add(decision.trigger)
        for one in records.triggers(line.triggers):
            # What was stopped and sent again is one contact; what was given back cost nothing.
            if isinstance(one, Trigger) and not one.test and one.id not in unsent:
                costs[one.decision or one.id] = one.cost
        unread += records.records
    found = joined(heard, costs)
    if isinstance(found, dict):
        left = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in found.items() if count)
        raise DrawsUnfit(
            f"none of {len(heard.draws):,} draws of the learned choice can be judged"
            + (f" (left out: {left})" if left else "")
        )
    if len(found.actions) - 1 > MOST_ARMS:
        raise TooManyContents(
            f"there are {len(found.actions) - 1} contents of actions among the draws, and at most {MOST_ARMS} can be "
            "compared"
        )
    return found, unread
