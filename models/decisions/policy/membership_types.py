"""Tables of a policy file that say which levels the loyalty programme has, how one qualifies, and what is paid for."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from models.decisions.policy.parts import Duration, Identifier, Part

Times = Annotated[float, Meta(ge=0, le=100)]


class MembershipLevel(Part, frozen=True, kw_only=True):
    """A level of the programme. It is no level of risk and no tier of value: customers earn it.

    name: what the customer and other tables call it. at: how much must count. times: their points are multiplied by it;
    hundredths count.
    """

    name: Identifier
    at: Annotated[float, Meta(ge=0.01, le=1e9)]
    times: Times = 1.0


class PaidMembership(Part, frozen=True, kw_only=True):
    """A membership that is paid for: it lasts as long as a contract of one of its plans runs (is active, or ends at a
    date to come); `subscription_*` touchpoints tell of it.

    name: what it is called. plans: of the contract. level: they have this level at least. times: their points are
    multiplied by it, or by the level's where that is more.
    """

    name: Identifier
    plans: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...], Meta(min_length=1, max_length=16)]
    level: Identifier | None = None
    times: Times = 1.0


class MembershipRules(Part, frozen=True, kw_only=True):
    """The loyalty programme's levels. With this table they are kept, without it they are not.

    counts: what one qualifies by: `points` that are earned, money `spent` on purchases, or the number of `purchases`.
    window: what is older counts no more, once a stretch of a fourteenth of it, in whole days, is over as well; without
    it what came in the calendar year counts, by the policy's zone. grace: a level that is not earned any more is kept
    for so long, and so is each one below it. levels: the lowest first. paid: memberships that are paid for; the first
    that fits counts.
    """

    counts: Literal["points", "spent", "purchases"]
    window: Duration | None = None
    grace: Duration = "60d"
    levels: Annotated[tuple[MembershipLevel, ...], Meta(min_length=1, max_length=8)]
    paid: Annotated[tuple[PaidMembership, ...], Meta(max_length=8)] = ()
