"""The customers of the running application by tiers of value, as its shards count them."""

from __future__ import annotations

from math import inf
from typing import Any, NamedTuple

from msgspec import UnsetType

from models.decisions.policy.in_force import PolicyInForce
from models.settings import DAY
from models.value.pyramid import Histogram, value_of
from streams.errors import EngineError, ExitCode
from streams.operations.policy import newest, shard_now, shards_now
from streams.shard.meta import settings_in_force
from streams.store import Store

ALL = "all"
"""In place of a tier's name: the class has too few customers for tiers."""


class NoValues(EngineError):
    """Nobody's value is known."""

    code = ExitCode.USAGE
    remedy = "apply a policy with a [value] (docs/value.md); values are learned from then on. Of a log: name one"


class LiveTier(NamedTuple):
    """from_value: where it begins. value: the sum of what is expected of its customers times the margin, each by the
    lower edge of their bucket, which is up to 2 % less than they are worth."""

    tier: str
    from_value: float
    customers: int
    value: float


class LivePyramid(NamedTuple):
    """policy: its name. classes: the tiers of each, from the highest down. loyalty: it keeps the loyalty loop."""

    policy: str
    horizon_days: float
    classes: dict[str, list[LiveTier]]
    loyalty: bool = False

    def as_data(self) -> dict[str, Any]:
        """JSON types; null in place of a value beyond all."""
        classes = {
            name: {
                "customers": sum(tier.customers for tier in tiers),
                "tiers": [
                    {**tier._asdict(), "from_value": None if tier.from_value == inf else tier.from_value}
                    for tier in tiers
                ],
            }
            for name, tiers in self.classes.items()
        }
        return {"policy": self.policy, "horizon_days": self.horizon_days, "classes": classes}


async def live_pyramid(store: Store, app: str) -> LivePyramid:
    """By the histograms of all shards, and the newest of their policies.

    Raises:
        NoShard: there is none.
        NoValues: the policy has no `[value]`.
        StateUnreadable, NewerRelease: a shard's state can't be read.
    """
    first = await shard_now(store, "0")
    shards = await shards_now(store, app, 1 if first is None else first.body.state.partitions)
    policy, merged, horizon = newest(shards), dict[str, Histogram](), 0
    if policy is None or policy.policy.value is None:
        raise NoValues(f"app {app!r} has no policy with a [value]")
    for shard, now in shards.items():
        horizon, values = settings_in_force(str(shard), now.body).horizon, now.body.state.values
        for name, counts in ({} if isinstance(values, UnsetType) else values).items():
            merged.setdefault(name, Histogram()).merge(Histogram(counts))
    classes = {name: _tiers(policy, merged[name]) for name in sorted(merged)}
    return LivePyramid(policy.name, horizon / DAY, classes, policy.policy.loyalty is not None)


def _tiers(policy: PolicyInForce, histogram: Histogram) -> list[LiveTier]:
    rules = policy.policy.value
    if rules is None:
        return []
    enough = histogram.customers >= rules.fewest
    cuts = histogram.cuts(policy.shares) if enough else []
    found = []
    for number, cut in enumerate([*cuts, 0], 1):
        above = cuts[number - 2] if number > 1 else None
        counts = {b: n for b, n in histogram.counts.items() if b >= cut and (above is None or b < above)}
        name = (policy.tier_named(number) if enough else None) or ALL
        value = rules.margin * sum(value_of(bucket) * n for bucket, n in sorted(counts.items()))
        found.append(LiveTier(name, value_of(cut), sum(counts.values()), round(value, 2)))
    return found
