"""Counts what a policy would have done, from a rehearsal's triggers and decisions as they are said.

Pure. Money is by the policy's own figures (`effect`, `cost`, `discount`, a channel's `cost`): what it expects, not what
came.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from models.decisions.policy.types import Policy
from models.engine.changes import NumberedOutput
from models.outputs import Candidate, Decision, Trigger, Withdrawal

TRIGGERED, LEFT_ALONE, CONTROL, HELD, VOID = "triggered", "left_alone", "control", "held", "void"
ENDS: Final = (TRIGGERED, LEFT_ALONE, CONTROL, HELD, VOID)
"""How a moment ends: with a trigger; left alone by the draw; of the control group, whatever was drawn; held by gates
for good; or the risk fell while it waited."""
LEAVE_ALONE: Final = "leave_alone"
_decode = msgspec.json.Decoder(Trigger | Withdrawal | Decision).decode


class Sent(NamedTuple):
    """A trigger. time: ms. cost, discount, effect: money. silence: ms since the customer's last purchase; None: there
    was none."""

    customer: str
    time: int
    moment: str
    level: str
    kind: str
    action: str
    channel: str
    cost: float
    discount: float
    effect: float
    silence: int | None


class Gate:
    """What a gate held back in moments that were answered.

    candidates: actions that it held, alone or with others; alone: those that no other gate held. moments: that it ended
    for the customer as a whole, no action being looked at. money: by how much the best action would have been expected
    to bring more without this one gate; the control group is left out.
    """

    def __init__(self) -> None:
        self.candidates = self.alone = self.moments = 0
        self.money = 0.0


class Tally:
    """Hears outputs and counts them; keeps triggers alone.

    Args:
        policy: that decides.
        purchases: by customer, the times of their purchases, ms, rising.

    Attributes:
        sent: all triggers.
        ended: moments by their name, level and end (`ENDS`).
        money: by end, what was not done was expected to bring: by the draw and by the control group.
        gates: by code. waits: by gate, how often a moment began to wait; who_waits: the customers.
        looked_at, passed: how often an action was a candidate, and one that no gate held; held_by: by action and gate.
        episodes: that were opened. withdrawn: triggers that were taken back. not_worth: left alone since no action was
        worth its cost.
    """

    def __init__(self, policy: Policy, purchases: Mapping[str, Sequence[int]]) -> None:
        self._policy, self._purchases = policy, purchases
        self.sent: list[Sent] = []
        self.ended: Counter[tuple[str, str, str]] = Counter()
        self.money: defaultdict[str, float] = defaultdict(float)
        self.gates: defaultdict[str, Gate] = defaultdict(Gate)
        self.waits: Counter[str] = Counter()
        self.who_waits: defaultdict[str, set[str]] = defaultdict(set)
        self._waited: defaultdict[str, list[int]] = defaultdict(list)
        self._waiting: dict[tuple[str, str], Decision] = {}
        self.looked_at: Counter[str] = Counter()
        self.passed: Counter[str] = Counter()
        self.held_by: Counter[tuple[str, str]] = Counter()
        self.episodes = self.withdrawn = self.not_worth = 0

    def take(self, output: NumberedOutput) -> bool:
        """Count an output; False, so that a rehearsal keeps none."""
        if output.role in ("triggers", "decisions"):
            match _decode(output.value):
                case Trigger() as trigger:
                    self._trigger(trigger)
                case Withdrawal():
                    self.withdrawn += 1
                case Decision() as decision:
                    self._decision(decision)
        return False

    def _trigger(self, said: Trigger) -> None:
        action = self._policy.action[said.action]
        times = self._purchases.get(said.customer, ())
        before = bisect_right(times, said.time)
        self.sent.append(
            Sent(
                said.customer,
                said.time,
                said.moment,
                said.level,
                said.kind,
                said.action,
                said.channel,
                said.cost,
                action.discount,
                action.effect,
                said.time - times[before - 1] if before else None,
            )
        )

    def _decision(self, said: Decision) -> None:
        match said.what:
            case "episode_opened":
                self.episodes += 1
            case "void":
                self._waits_no_more(said, said.moment)
                self.ended[said.moment, said.level, VOID] += 1
            case "waits":
                self._waits_no_more(said, said.moment)
                self._waiting[said.customer, said.moment] = said
                self.waits[said.gate] += 1
                self.who_waits[said.gate].add(said.customer)
            case "decided":
                self._waits_no_more(said, said.moment)
                self._decided(said)
            case "erased" | "forgotten":
                for customer, moment in list(self._waiting):
                    if customer == said.customer:
                        self._waits_no_more(said, moment)

    def _waits_no_more(self, said: Decision, moment: str) -> None:
        """A moment is answered, or waits for something else."""
        wait = self._waiting.pop((said.customer, moment), None)
        if wait is not None:
            self._waited[wait.gate].append(said.time - wait.time)

    def waited(self, gate: str) -> list[int]:
        """How long moments waited for a gate, ms: of one that still does, until it is looked at next as it was said."""
        still = [one.until - one.time for one in self._waiting.values() if one.gate == gate]
        return self._waited[gate] + still

    def _decided(self, said: Decision) -> None:
        end = _end(said)
        self.ended[said.moment, said.level, end] += 1
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
