"""Counts what a policy would have done, from a rehearsal's triggers and decisions as they are said.

Pure. Money is by the policy's own figures (`effect`, `cost`, `discount`, a channel's `cost`): what it expects, not what
came.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from models.decisions.policy.types import Policy
from models.engine.changes import NumberedOutput
from models.outputs import Decision, Trigger, Withdrawal
from models.simulation.funnel import VOID, Funnel

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


class Tally:
    """Hears outputs and counts them; keeps triggers alone.

    Args:
        policy: that decides.
        purchases: by customer, the times of their purchases, ms, rising.

    Attributes:
        sent: all triggers.
        ended: moments by their name, level and end (`ENDS`).
        funnel: of all moments that were answered.
        waits: by gate, how often a moment began to wait; who_waits: the customers.
        episodes: that were opened. withdrawn: triggers that were taken back.
    """

    def __init__(self, policy: Policy, purchases: Mapping[str, Sequence[int]]) -> None:
        self._policy, self._purchases = policy, purchases
        self.sent: list[Sent] = []
        self.ended: Counter[tuple[str, str, str]] = Counter()
        self.funnel = Funnel()
        self.waits: Counter[str] = Counter()
        self.who_waits: defaultdict[str, set[str]] = defaultdict(set)
        self._waited: defaultdict[str, list[int]] = defaultdict(list)
        self._waiting: dict[tuple[str, str], Decision] = {}
        self.episodes = self.withdrawn = 0

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
        self.ended[said.moment, said.level, self.funnel.take(said)] += 1
