"""What became of moments that were decided, and what each gate held back, at the price that the decisions say.

Pure. A candidate's score is the money that its action was expected to bring, by the policy's own figures or as was
learned: what was expected, not what came.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

from models.outputs import Candidate, Decision

TRIGGERED, LEFT_ALONE, CONTROL, HELD, VOID = "triggered", "left_alone", "control", "held", "void"
ENDS: Final = (TRIGGERED, LEFT_ALONE, CONTROL, HELD, VOID)
"""How a moment ends: with a trigger; left alone by the draw; of the control group, whatever was drawn; held by gates
for good; or the risk fell while it waited."""
LEAVE_ALONE: Final = "leave_alone"


class Gate:
    """What a gate held back in moments that were answered.

    candidates: actions that it held, alone or with others; alone: those that no other gate held. moments: that it ended
    for the customer as a whole, no action being looked at. money: by how much the best action would have been expected
    to bring more without this one gate; the control group is left out.
    """

    def __init__(self) -> None:
        self.candidates = self.alone = self.moments = 0
        self.money = 0.0


class Funnel:
    """Takes answers of moments, in any order.

    Attributes:
        money: by end, what was not done was expected to bring: by the draw and by the control group.
        gates: by code.
        looked_at, passed: how often an action was a candidate, and one that no gate held; held_by: by action and gate.
        not_worth: left alone since no action was worth its cost.
    """

    def __init__(self) -> None:
        self.money: defaultdict[str, float] = defaultdict(float)
        self.gates: defaultdict[str, Gate] = defaultdict(Gate)
        self.looked_at: Counter[str] = Counter()
        self.passed: Counter[str] = Counter()
        self.held_by: Counter[tuple[str, str]] = Counter()
        self.not_worth = 0

    def take(self, said: Decision) -> str:
        """How the moment ended (of `ENDS`). said: whose `what` is `decided`."""
        end = _end(said)
        candidates = [one for one in said.candidates if one.action != LEAVE_ALONE]
        free = [one for one in candidates if not one.gates]
        best = max((0.0, *(one.score for one in free)))
        if end == LEFT_ALONE:
            self.money[end] += best
            self.not_worth += best == 0.0
        elif end == CONTROL:
            self.money[end] += max((0.0, *(one.score for one in free if one.action == said.action)))
        elif said.gate and not candidates:
            self.gates[said.gate].moments += 1
        self.looked_at.update(one.action for one in candidates)
        self.passed.update(one.action for one in free)
        self.held_by.update((one.action, gate) for one in candidates for gate in set(one.gates))
        for gate, held in _by_gate(candidates).items():
            alone = [one.score for one in held if set(one.gates) == {gate}]
            found = self.gates[gate]
            found.candidates += len(held)
            found.alone += len(alone)
            if end != CONTROL:
                found.money += max(0.0, max(alone, default=0.0) - best)
        return end


def _end(said: Decision) -> str:
    if said.control:
        return CONTROL
    if said.trigger:
        return TRIGGERED
    return HELD if said.gate else LEFT_ALONE


def _by_gate(candidates: Sequence[Candidate]) -> dict[str, list[Candidate]]:
    found: defaultdict[str, list[Candidate]] = defaultdict(list)
    for one in candidates:
        for gate in dict.fromkeys(one.gates):
            found[gate].append(one)
    return found
