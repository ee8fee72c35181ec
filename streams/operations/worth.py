"""What is at risk in each tier of value, what its customers spent, how they speak of us, and who is at which level.

Of the stored records, or of a share of them by hash that is scaled up: shards count values alone. Reads beside the
workers, and what it says is of that moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from models.customer.layout import ERASED, RETURNED, RISK, SENTIMENT_EWMA, SPENT
from models.customer.record import Record, hash_of, unpack
from models.customer.schedule import phase_of
from models.customer.tail import UnknownRecord
from models.decisions.person import Person
from models.decisions.policy.asking_types import level_reached
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.standing_stored import watched
from models.engine.by_policy import Customer
from models.loyalty.loop import STAGES
from models.settings import EngineSettings
from streams.config import Config
from streams.operations.policy import newest, shard_now, shards_now
from streams.operations.pyramid import ALL
from streams.operations.redis_access import store_of
from streams.operations.sampling import MOST, Records, share_of, some_of
from streams.shard.meta import settings_in_force

SEED: Final = 0x77_6F_72
"""Of the hash that draws the share."""
UNVALUED: Final = "not valued"
"""In place of a tier's name: who is lapsed, or was not seen since values are kept."""


@dataclass(slots=True)
class Held:
    """Of a tier, or of a class. at_risk: Σ p · worth if kept · margin; the value is Σ (1 − p) of the same.
    leave: Σ p. spent: net of returns, in all since they came. heard: customers of whose words some came with a
    sentiment; mood: the sum of their averages, each -1 to 1; unhappy: how many of these are below zero."""

    customers: int = 0
    value: float = 0.0
    at_risk: float = 0.0
    leave: float = 0.0
    spent: float = 0.0
    heard: int = 0
    mood: float = 0.0
    unhappy: int = 0

    def take(self, record: Record, value: float, risk: float, if_kept: float) -> None:
        numbers = record.numbers
        self.customers += 1
        self.value += value
        self.at_risk += risk * if_kept
        self.leave += risk
        self.spent += numbers[SPENT] - numbers[RETURNED]
        if record.sentiments:
            self.heard += 1
            self.mood += numbers[SENTIMENT_EWMA]
            self.unhappy += numbers[SENTIMENT_EWMA] < 0.0


@dataclass(slots=True)
class Stood:
    """At a stage of the loyalty loop. weighed: customers with an index; index: the sum of these. praise: how often they
    spoke well of us, in all."""

    customers: int = 0
    weighed: int = 0
    index: float = 0.0
    praise: int = 0

    def take(self, person: Person, now: int) -> None:
        index = person.loyalty_index(now)
        self.customers += 1
        self.praise += person.loop.praised
        if index is not None:
            self.weighed += 1
            self.index += index


class Climbed:
    """How many customers are at which level of risk: the highest that asked in their open episode."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}
        self._count: Counter[str] = Counter()
        self.below = 0

    def take(self, person: Person, stored: bytes, policy: PolicyInForce) -> None:
        """stored: how we stand with them."""
        levels = policy.levels(person.customer_class, person.level_tier, person.level_stage)
        reached = watched(stored)[1]
        for one in levels:
            self._at[one.name] = max(one.at, self._at.get(one.name, 0.0))
        level = level_reached(levels, reached)
        if level is None:
            self.below += 1
        else:
            self._count[level.name] += 1

    def data(self, share: float) -> dict[str, int]:
        """By name, lowest first: also those at which nobody is."""
        return {name: round(self._count[name] / share) for name in sorted(self._at, key=self._at.__getitem__)}


class Worths(NamedTuple):
    """time: log time (ms) up to which every shard had come. share: of the customers that were looked at. classes: by
    class and tier, highest first; tiers are those of the records, which change at a customer's next score. stages: of
    the loyalty loop, as of each shard's time; empty: the policy keeps none. levels: of risk, by the newest policy."""

    time: int
    share: float
    looked_at: int
    classes: dict[str, dict[str, Held]]
    stages: dict[str, Stood]
    levels: Climbed

    def data(self) -> dict[str, Any]:
        """JSON types, as of all customers."""
        classes = {
            name: {tier: _scaled(held, self.share) for tier, held in tiers.items()}
            for name, tiers in self.classes.items()
        }
        stages = {stage: self._stood(self.stages[stage]) for stage in STAGES if stage in self.stages}
        return {
            "time": self.time,
            "share": self.share,
            "looked_at": self.looked_at,
            "classes": classes,
            "stages": stages,
            "levels": self.levels.data(self.share),
            "below_levels": round(self.levels.below / self.share),
        }

    def _stood(self, stood: Stood) -> dict[str, float | None]:
        return {
            "customers": round(stood.customers / self.share),
            "index": round(stood.index / stood.weighed, 2) + 0.0 if stood.weighed else None,
            "spoke_well": round(stood.praise / self.share),
        }


def _scaled(held: Held, share: float) -> dict[str, float]:
    sums = {name: getattr(held, name) / share for name in ("value", "at_risk", "leave", "spent")}
    counts = {name: round(getattr(held, name) / share) for name in ("customers", "heard", "unhappy")}
    return {**counts, **sums, "mood": held.mood / held.heard if held.heard else 0.0}


async def worths(store: Records, now: Mapping[int, Any], most: int = MOST) -> Worths:
    """Look at the records.

    Args:
        store: where they lie.
        now: by shard, its metadata and policy (`streams.operations.policy.ShardPolicyNow`).
        most: customers that are looked at.

    Raises StateUnreadable, NewerRelease, and what the store raises.
    """
    bodies = {shard: one.body for shard, one in now.items()}
    policy, share = newest(now), share_of(bodies, most)
    settings = {shard: settings_in_force(str(shard), body) for shard, body in bodies.items()}
    found: dict[str, dict[str, Held]] = {}
    stages: dict[str, Stood] = {}
    levels = Climbed()
    looked_at = 0
    async for shard, customer, stored in some_of(store, share, SEED):
        if shard not in bodies:
            continue
        try:
            record = unpack(customer, stored)
        except UnknownRecord:
            continue
        looked_at += 1
        if not record.flags & ERASED:
            person = _known(customer, record, policy, settings[shard])
            _take(found, person, record, policy)
            if person.is_test(time := bodies[shard].state.time):
                continue
            if (stage := person.stage(time)) is not None:
                stages.setdefault(stage, Stood()).take(person, time)
            if policy is not None:
                levels.take(person, record.tail.standing, policy)
    times = [body.state.time for body in bodies.values()]
    return Worths(min(times, default=0), share, looked_at, _ordered(found, policy), stages, levels)


def _known(name: bytes, record: Record, policy: PolicyInForce | None, settings: EngineSettings) -> Person:
    slab = (record.flags, record.times, record.numbers, record.seconds)
    worth = (record.worth.bucket, record.worth.tier, record.worth.held)
    known = Customer(name, record.tail, *slab, int(phase_of(settings, hash_of(name))), *worth)
    return known.person(float(record.numbers[RISK]), settings, policy)


def _take(found: dict[str, dict[str, Held]], person: Person, record: Record, policy: PolicyInForce | None) -> None:
    risk = float(record.numbers[RISK])
    rules = None if policy is None else policy.policy.value
    margin = 1.0 if rules is None else rules.margin
    tier = UNVALUED if person.value is None else person.tier or ALL
    held = found.setdefault(person.customer_class, {}).setdefault(tier, Held())
    valued = 0.0 if person.value is None else margin * person.value
    held.take(record, valued, risk if person.value is not None else 0.0, margin * (person.if_kept or 0.0))


def _ordered(found: dict[str, dict[str, Held]], policy: PolicyInForce | None) -> dict[str, dict[str, Held]]:
    rules = None if policy is None else policy.policy.value
    names = [] if rules is None else [*(tier.name for tier in rules.tiers), rules.rest]
    order = [*names, ALL, UNVALUED]
    return {
        name: {tier: found[name][tier] for tier in sorted(found[name], key=lambda t: (order.index(t), t))}
        for name in sorted(found)
    }


async def worths_of(config: Config) -> dict[str, Any]:
    """Of the running application, as JSON types. Raises NoShard and as `worths`."""
    async with store_of(config) as store:
        first = await shard_now(store, "0")
        now = await shards_now(store, config.app, 1 if first is None else first.body.state.partitions)
        return (await worths(store, now)).data()
