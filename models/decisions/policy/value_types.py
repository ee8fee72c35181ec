"""Tables of a policy file that say what customers are worth to us, and what tiers that makes."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from models.decisions.policy.parts import Identifier, Money, Part, Share


class ValueTier(Part, frozen=True, kw_only=True):
    """A tier of the pyramid.

    name: what conditions call it. share: of the customers of a class, from the top, in this tier and those above.
    """

    name: Identifier
    share: Annotated[float, Meta(gt=0, lt=1)]


class ValueRules(Part, frozen=True, kw_only=True):
    """What customers are worth: net spend that is expected of them within the horizon of the churn model. With this
    table values are learned and kept, without it they are not.

    tiers: from the top. rest: name of the lowest tier, which has all others. fewest: a class with fewer customers has
    no tiers. margin: what is left of a unit of net spend. spend_at_most: the share of the margin of what a customer is
    worth if they are kept that marketing to them may cost at most. acquisition_cost: what it costs to win a customer:
    marketing may not cost more to keep one.
    """

    tiers: Annotated[tuple[ValueTier, ...], Meta(max_length=7)] = (
        ValueTier(name="top", share=0.01),
        ValueTier(name="high", share=0.05),
        ValueTier(name="middle", share=0.2),
    )
    rest: Identifier = "base"
    fewest: Annotated[int, Meta(ge=1, le=1_000_000)] = 100
    margin: Share = 1.0
    spend_at_most: Share = 1.0
    acquisition_cost: Money | None = None
