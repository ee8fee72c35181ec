"""Our own decisions as a log of known chances: each draw of the learned choice with what came of it.

Each draw counts once, with its one outcome. What is left out is counted by why: of the control group a draw was not
carried out, so what came tells of leaving alone under chances that are not its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np

from models.decisions.choosing.described import SIZE
from models.decisions.draw import ONE
from models.outputs import OUTCOME, Candidate, Decision, Ended
from models.simulation.logged_choice import Draws, Logged

LEAVE_ALONE: Final = "leave_alone"
LEFT_OUT: Final = (
    "control",
    "open",
    "erased",
    "restricted",
    "alarm",
    "other_features",
    "unfit",
    "twice",
    "without_draw",
)
"""Why a draw, or an outcome, is in no row; in the order in which it is told."""


class Ends(NamedTuple):
    """time: when the window was over, ms."""

    time: int
    ended: Ended


class Joined(NamedTuple):
    """Draws whose window is over, in the order of time.

    actions: the names of what could be done, leaving alone first. arms: of each the name of its content, empty of
    leaving alone. decisions: of each row. draws: how many there were, those left out among
    them. left_out: how many are in no row, by `LEFT_OUT`. first, last: log time of the draws, ms.
    """

    rows: Logged
    actions: list[str]
    arms: list[str]
    decisions: list[Decision]
    draws: int
    left_out: dict[str, int]
    first: int
    last: int


class Heard:
    """Draws and outcomes as they are read, in any order."""

    def __init__(self) -> None:
        self.draws: dict[str, Decision] = {}
        self.ends: dict[str, Ends] = {}
        self.twice = 0

    def takes(self, decision: Decision) -> None:
        """One decision; those that are neither a draw nor an outcome, or of somebody who tried things out, are passed
        over. The first of two with one id stays."""
        if decision.test:
            return
        if decision.what == "decided" and decision.drawn is not None:
            self.twice += decision.id in self.draws
            self.draws.setdefault(decision.id, decision)
        elif decision.what == OUTCOME and decision.ended is not None:
            self.twice += decision.ended.decision in self.ends
            self.ends.setdefault(decision.ended.decision, Ends(decision.time, decision.ended))


def joined(heard: Heard, costs: Mapping[str, float]) -> Joined | dict[str, int]:
    """The rows; where there is none, what was left out. costs: of what was sent, by decision, money."""
    out: Counter[str] = Counter({"twice": heard.twice})
    out["without_draw"] = sum(name not in heard.draws for name in heard.ends)
    kept: list[tuple[Decision, Ends]] = []
    for name, draw in heard.draws.items():
        ends = heard.ends.get(name)
        why = _left_out(draw, ends)
        if why:
            out[why] += 1
        elif ends is not None:
            kept.append((draw, ends))
    kept.sort(key=lambda one: (one[0].time, one[0].id))
    left_out = {name: out[name] for name in LEFT_OUT}
    if not kept:
        return left_out
    names = _names(draw for draw, _ in kept)
    rows = _rows(kept, {arm: place for place, arm in enumerate(names)}, costs)
    decisions = [draw for draw, _ in kept]
    first, last = decisions[0].time, decisions[-1].time
    return Joined(rows, [*names.values()], [*names], decisions, len(heard.draws), left_out, first, last)


def arms_in(draw: Decision) -> dict[str, Candidate]:
    """What was in a draw by the name of its content, leaving alone by the empty one; what gates held is not."""
    found = {one.arm: one for one in draw.candidates if one.arm}
    alone = next((one for one in draw.candidates if one.action == LEAVE_ALONE), None)
    return found if alone is None else {"": alone} | found


def _left_out(draw: Decision, ends: Ends | None) -> str:
    if draw.control:
        return "control"
    if ends is None:
        return "open"
    if ends.ended.unlearned:
        return ends.ended.unlearned if ends.ended.unlearned in LEFT_OUT else "unfit"
    if draw.drawn is None or len(draw.drawn.features) != SIZE:
        return "other_features"
    found = arms_in(draw)
    taken = found.get(ends.ended.arm)
    true = taken is not None and taken.chance > 0 and sum(one.chance for one in found.values()) == ONE
    return "" if true and draw.drawn.worth > 0.0 else "unfit"


def _names(draws: Iterable[Decision]) -> dict[str, str]:
    """Of each arm a name to read. An action whose content changed is as many arms: each with the day of its first draw
    and the name of its content."""
    from_: dict[str, int] = {}
    action: dict[str, str] = {}
    for draw in draws:
        for arm, one in arms_in(draw).items():
            from_.setdefault(arm, draw.time)
            action[arm] = one.action
    texts = Counter(action.values())
    arms = sorted((arm for arm in action if arm), key=lambda arm: (action[arm], from_[arm], arm))
    named = {
        arm: action[arm] if texts[action[arm]] == 1 else f"{action[arm]} ({_day(from_[arm])}, {arm})" for arm in arms
    }
    return {"": LEAVE_ALONE} | named


def _day(time: int) -> str:
    return f"from {np.datetime64(time, 'ms').astype('datetime64[D]')}"


def _rows(kept: list[tuple[Decision, Ends]], place: Mapping[str, int], costs: Mapping[str, float]) -> Logged:
    chances = np.zeros((len(kept), len(place)))
    eligible = np.zeros(chances.shape, dtype=np.bool_)
    for row, (draw, _) in enumerate(kept):
        for arm, one in arms_in(draw).items():
            chances[row, place[arm]] = one.chance / ONE
            eligible[row, place[arm]] = True
    taken = np.array([place[ends.ended.arm] for _, ends in kept], dtype=np.int64)
    # Of a row those before it are known up to the first whose window was still open.
    over = np.maximum.accumulate(np.array([ends.time for _, ends in kept], dtype=np.int64))
    drawn = [draw.drawn for draw, _ in kept if draw.drawn is not None]
    return Logged(
        np.array([one.features for one in drawn], dtype=np.float64),
        taken,
        chances[np.arange(len(kept)), taken],
        np.array([ends.ended.gain - costs.get(draw.id, 0.0) for draw, ends in kept]),
        len(place),
        Draws(
            chances,
            eligible,
            np.array([one.worth for one in drawn]),
            np.searchsorted(over, np.array([draw.time for draw, _ in kept], dtype=np.int64), side="right"),
        ),
    )
