"""What triggers have taken of budgets, over all partitions: shards share a budget, and no line of one tells what others
took.

Read from docs/decisions.md. A trigger takes in the period in which it is decided. What is given back is had again in
that period; of money also what a promotion was not used for. A delivery after it was given back is charged where there
is no room, too: it is no breach, and is counted apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil, inf
from typing import Final, NamedTuple

from models.outputs import Decision, Trigger
from streams.operations.audit.breaches import Breach
from streams.operations.audit.policies import Policy, Table
from streams.operations.audit.records import Place
from streams.operations.audit.wall_time import period, shown

MONEY: Final = "money"


def units(money: float) -> Decimal:
    """Money in hundredths.

    >>> units(0.29)
    Decimal('29.000000')
    """
    return round(Decimal(str(money)) * 100, 6)


def most_of(budget: Table) -> int:
    """What a period has, in units."""
    return int(units(budget["most"])) if budget["counts"] == MONEY else int(budget["most"])


def taken_by(policy: Policy, action: Table) -> dict[str, int]:
    """What a trigger of an action takes of each budget, in units."""
    liability = action.get("liability", action.get("discount", 0.0) + action.get("cost", 0.0))
    return {
        name: ceil(units(liability)) if policy.budgets[name]["counts"] == MONEY else 1
        for name in action.get("budgets", [])
    }


class Account(NamedTuple):
    """A budget in one of its periods, from `start` to before `end` (log time, ms)."""

    name: str
    counts: str
    start: int
    end: int
    zone: str

    def __str__(self) -> str:
        return f"budget {self.name} from {shown(self.start, self.zone)}"


class Movement(NamedTuple):
    """Units that a trigger took, or (below zero) that were had again. late: it had been given back, and arrived."""

    time: int
    units: int
    late: bool
    place: Place
    trigger: Trigger


@dataclass(slots=True)
class _Taken:
    """What a trigger has of each account, and what it gave back."""

    trigger: Trigger
    held: dict[Account, int]
    back: dict[Account, int] = field(default_factory=dict)
    late: bool = False


@dataclass(slots=True)
class _InForce:
    policy: Policy
    since: int
    until: float = inf


class Ledger:
    """All movements of all partitions. Each partition tells its own in its order."""

    def __init__(self) -> None:
        self._policies: dict[int, list[_InForce]] = {}
        self._taken: dict[str, _Taken] = {}
        self._movements: defaultdict[Account, list[Movement]] = defaultdict(list)

    def comes_into_force(self, policy: Policy, partition: int, time: int) -> None:
        """A policy decides in a partition from a log time on (ms)."""
        before = self._policies.setdefault(partition, [])
        if before:
            before[-1].until = time
        before.append(_InForce(policy, time))

    def takes(self, trigger: Trigger, policy: Policy, place: Place) -> None:
        """A trigger takes what it says that it does. Of a budget that the policy does not have it takes nothing."""
        if not trigger.reserved or trigger.id in self._taken:
            return
        taken = _Taken(trigger, {})
        for name, reserved in trigger.reserved.items():
            if (budget := policy.budgets.get(name)) is not None:
                start, end = period(budget.get("per", "month"), trigger.time, policy.zone)
                taken.held[Account(name, budget["counts"], start, end, policy.zone)] = reserved
        self._taken[trigger.id] = taken
        for account, reserved in taken.held.items():
            self._movements[account].append(Movement(trigger.time, reserved, False, place, trigger))

    def hears(self, decision: Decision, place: Place) -> None:
        """A decision that tells what became of a trigger."""
        taken = self._taken.get(decision.trigger)
        if taken is None:
            return
        if decision.what == "given_back":
            taken.back = {**taken.held}
            self._returns(taken, taken.back, decision.time, place)
        elif decision.what == "late":
            taken.held, taken.back, taken.late = taken.back, {}, True
            self._moves(taken, taken.held, 1, decision.time, place)
        elif decision.what == "declined" or (decision.what == "unused" and decision.time >= taken.trigger.valid_until):
            money = {account: held for account, held in taken.held.items() if account.counts == MONEY}
            self._returns(taken, money, decision.time, place)

    def _returns(self, taken: _Taken, what: dict[Account, int], time: int, place: Place) -> None:
        self._moves(taken, what, -1, time, place)
        taken.held = {account: held for account, held in taken.held.items() if account not in what}

    def _moves(self, taken: _Taken, what: dict[Account, int], sign: int, time: int, place: Place) -> None:
        for account, moved in what.items():
            self._movements[account].append(Movement(time, sign * moved, taken.late, place, taken.trigger))

    def breaches(self, since: int) -> Iterator[Breach]:
        """Each trigger from a log time on (ms) that took more than there was.

        What came late in another shard could not be known to a shard, so it is left out; its own it must count.
        """
        for account, movements in self._movements.items():
            most = self._most(account)
            total, late, own = 0, 0, defaultdict[int, int](int)
            for move in _in_order(movements):
                own[move.place.partition] += move.units
                if move.late:
                    late += move.units
                    continue
                total += move.units
                shard = own[move.place.partition]
                if move.units > 0 and move.time >= since and (total > most or shard > most):
                    done = f"{total} with this one, {shard} of this shard; {late} came late"
                    yield _breach(move, f"{account} has {most}", done)

    def excess(self) -> dict[str, int]:
        """By budget, how much deliveries took that came late and for which there was no room, over all periods."""
        found: defaultdict[str, int] = defaultdict(int)
        for account, movements in self._movements.items():
            total, late, beyond = 0, 0, 0
            for move in _in_order(movements):
                total += move.units
                late += move.units if move.late else 0
                beyond = max(beyond, min(total - self._most(account), late)) if late else beyond
            if beyond:
                found[account.name] += beyond
        return dict(found)

    def _most(self, account: Account) -> int:
        """What there was at most, by any policy that was in force in the period, or in as long a time before it: part
        of a period is handed out before it begins, and what is handed out stands."""
        begins = account.start - (account.end - account.start)
        return max(
            (
                most_of(one.policy.budgets[account.name])
                for policies in self._policies.values()
                for one in policies
                if one.since < account.end and one.until >= begins and _is_of(one.policy, account)
            ),
            default=0,
        )


def _is_of(policy: Policy, account: Account) -> bool:
    budget = policy.budgets.get(account.name)
    return budget is not None and budget["counts"] == account.counts


def _in_order(movements: list[Movement]) -> list[Movement]:
    """In the order of log time; what is had again first."""
    return sorted(movements, key=lambda move: (move.time, move.units > 0))


def _breach(move: Movement, says: str, done: str) -> Breach:
    trigger = move.trigger
    return Breach(
        "budget", trigger.id, trigger.customer, trigger.action, trigger.policy, says, done, move.place, move.time
    )
