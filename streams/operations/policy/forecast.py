"""How many customers a policy would touch at its start: those at or above a level that has not asked yet.

They ask at their next step, whatever has happened lately. What is looked at are the stored records of all customers, or
of a share of them by hash, as they stand now: nobody else has the risk, the level that has asked, consent and cases of
each customer, and a shard would have to reckon it all again for a policy that it has not. It reads only, beside the
workers, and what it says is of that moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from models.customer.contract import runs_until
from models.customer.layout import DUE, LAST_PURCHASE, PURCHASE_DAYS, RISK, TICK
from models.customer.record import Record, hash_of, unpack
from models.customer.schedule import phase_of
from models.customer.tail import UnknownRecord
from models.decisions.ask import FINAL, Ask
from models.decisions.gates import customer_wide, judge
from models.decisions.policy.asking_types import Level
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.standing_stored import unpack_standing
from models.decisions.turns import turn_after
from models.engine.by_policy import Customer
from models.engine.compiled_rules import levels_end_with_contract
from models.loyalty.loop import level_stage_in
from models.settings import DAY, HOUR, EngineSettings
from models.timeline.order import NEVER, time_of
from streams.operations.policy.shards import ShardPolicyNow
from streams.operations.sampling import MOST, Records, error_of, share_of, some_of
from streams.shard.meta import settings_in_force

SEED: Final = 0x70_6F_6C
"""Of the hash that draws the share: none other looks at the same customers."""
NOTHING: Final = ""
"""In place of a kind: every action is held for good."""


class Met(NamedTuple):
    """A customer whom a policy would ask about at its start. level: the highest that they have reached. kind: of the
    action that is first in line, NOTHING where all are held for good. wide: the gate that holds the customer as a
    whole; empty: none. asks: log time at which they ask, ms: at their next step, or in their turn after it (`ramp`)."""

    level: str
    kind: str
    wide: str
    asks: int


@dataclass(slots=True)
class Forecast:
    """Counts of a share of all customers, which is scaled up where it is told.

    looked_at: customers; share: of all. held: by the gate that holds them as a whole. levels, kinds: of those who would
    be touched. hour, day: of them those who ask within so long.
    """

    share: float = 1.0
    looked_at: int = 0
    hour: int = 0
    day: int = 0
    touched: int = 0
    held: Counter[str] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)

    def take(self, met: Met, now: int) -> None:
        """A customer who is above a level. now: log time of the shard, ms."""
        if met.wide or met.kind == NOTHING:
            self.held[met.wide or "every action"] += 1
            return
        self.touched += 1
        self.levels[met.level] += 1
        self.kinds[met.kind] += 1
        self.hour += met.asks <= now + HOUR
        self.day += met.asks <= now + DAY

    def scaled(self, count: int) -> int:
        """A count of the share, as of all."""
        return round(count / self.share)

    def error(self, count: int) -> int:
        """Standard error of the same."""
        return round(error_of(count, self.share))

    def data(self) -> dict[str, Any]:
        """For machines: of all customers."""
        return {
            "share": self.share,
            "looked_at": self.looked_at,
            "hour": self.scaled(self.hour),
            "day": self.scaled(self.day),
            "day_error": self.error(self.day),
            "above": self.scaled(self.touched),
            "by_level": {name: self.scaled(n) for name, n in sorted(self.levels.items())},
            "by_kind": {name: self.scaled(n) for name, n in sorted(self.kinds.items())},
            "held": {name: self.scaled(n) for name, n in sorted(self.held.items())},
        }


def levels_for(policy: PolicyInForce, record: Record) -> tuple[Level, ...]:
    """The levels of risk by which a customer goes, lowest first: those of their stage, tier or class."""
    stage = level_stage_in(record.tail.loyalty)
    return policy.levels(record.tail.customer_class, record.worth.level_tier, stage)


def met(policy: PolicyInForce, customer: bytes, stored: bytes, settings: EngineSettings, now: int) -> Met | None:
    """How a policy would meet a customer at its start; None: it would ask nothing.

    Args:
        policy: that would come into force.
        customer, stored: their id and record.
        settings: of their shard.
        now: log time of their shard, ms.

    Raises UnknownRecord.
    """
    moment = policy.risk_moment
    record = unpack(customer, stored)
    if moment is None or not record.numbers[PURCHASE_DAYS] or not record.times[TICK]:
        return None
    risk, standing = float(record.numbers[RISK]), unpack_standing(record.tail.standing)
    asks = policy.policy.moment[moment].levels
    reached = [
        level
        for level in levels_for(policy, record)
        if standing.reached < level.at <= risk and (not asks or level.name in asks)
    ]
    if not reached:
        return None
    due = time_of(float(record.times[DUE])) if record.times[DUE] < NEVER else now + settings.tick
    if record.times[LAST_PURCHASE] + settings.silence <= due:
        return None  # their next step ends the episode: nobody is asked about who has left
    if levels_end_with_contract(settings, policy) and due < runs_until(record.tail.contract):
        return None  # while a contract runs no level asks
    slab = (record.flags, record.times, record.numbers, record.seconds)
    worth = (record.worth.bucket, record.worth.tier, record.worth.held)
    known = Customer(customer, record.tail, *slab, int(phase_of(settings, hash_of(customer))), *worth)
    person = known.person(risk, settings, policy)
    ask = Ask(policy, person, standing, now, moment, now, reached[-1].name)
    asks_at = max(due, now) + turn_after(policy, customer)
    if (wide := customer_wide(ask)) is not None:
        return Met(reached[-1].name, NOTHING, wide.code, asks_at)
    for action in policy.actions_of(moment):
        told = policy.policy.action[action]
        if told.mode == "live" and not any(one.until == FINAL for one in judge(ask, action).held):
            return Met(reached[-1].name, told.kind, "", asks_at)
    return Met(reached[-1].name, NOTHING, "", asks_at)


async def forecast(
    store: Records, shards: Mapping[int, ShardPolicyNow], policy: PolicyInForce, most: int = MOST
) -> Forecast:
    """What a policy would touch, if it came into force now. most: customers that are looked at.

    Raises StateUnreadable, NewerRelease, and what the store raises.
    """
    found = Forecast(share=share_of({n: shard.body for n, shard in shards.items()}, most))
    settings = {n: settings_in_force(str(n), shard.body) for n, shard in shards.items()}
    async for shard, customer, stored in some_of(store, found.share, SEED):
        if shard not in shards:
            continue
        now = shards[shard].body.state.time
        found.looked_at += 1
        try:
            one = met(policy, customer, stored, settings[shard], now)
        except UnknownRecord:
            continue
        if one is not None:
            found.take(one, now)
    return found
