"""Tables of a policy file that say how customers earn points, how long these last, and what takes them back."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from models.decisions.policy.parts import Condition, Duration, Identifier, Part

Whole = Annotated[int, Meta(ge=1, le=1_000_000)]


class Earns(Part, frozen=True, kw_only=True):
    """A rule by which a touchpoint earns points; each rule that fits does.

    touchpoints: the types that earn. points: how many, or for how much money. per: they are earned for each so much
    money of the touchpoint's `amount`, rounded down at the end; without it each touchpoint earns them once. pending:
    they can be spent after so long. when: a condition on the touchpoint's data.
    """

    touchpoints: tuple[Identifier, ...]
    points: Whole
    per: Annotated[float, Meta(ge=0.01, le=1e6)] | None = None
    pending: Duration = "0s"
    when: Condition | None = None


class Multiplies(Part, frozen=True, kw_only=True):
    """Customers who earn more, or less.

    when: a condition on the customer. times: their points are multiplied by it; hundredths count.
    """

    when: Condition
    times: Annotated[float, Meta(ge=0, le=100)]


class Reward(Part, frozen=True, kw_only=True):
    """A reward of the catalogue: what may be had for points. The shop hands it out and says so (`reward_redeemed`).

    points: what it costs. code: what the sender and the shop know it by; without it its name. likes: further words of a
    customer's preferred rewards that mean it, beside its name and code. partner: who gives it, where that is another.
    """

    points: Whole
    code: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    likes: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...], Meta(max_length=16)] = ()
    partner: Annotated[str, Meta(min_length=1, max_length=100)] | None = None


class Points(Part, frozen=True, kw_only=True):
    """The ledger of points. With this table points are kept, without it they are not.

    earn: rules by name. multiply: the first row that fits a customer counts. expires: points last so long from the
    touchpoint that earned them, or until they can be spent; without it they never expire. expires_at: with the end of
    what they expire then: `rolling` is a stretch of a fourteenth of `expires`, in whole days; `month` and `year` are
    those of the policy's zone. returns_within: a `return` takes back the refunded share of what its order has earned so
    long after the touchpoint. returns: of points that are spent by then, `owed` lets the balance become negative,
    `forgiven` leaves it at zero. cancels_within: a `reward_cancelled` gives the points back so long after the reward
    was redeemed.
    """

    earn: Annotated[dict[Identifier, Earns], Meta(min_length=1, max_length=16)]
    multiply: Annotated[tuple[Multiplies, ...], Meta(max_length=16)] = ()
    expires: Duration | None = None
    expires_at: Literal["rolling", "month", "year"] = "rolling"
    returns_within: Duration = "30d"
    returns: Literal["owed", "forgiven"] = "owed"
    cancels_within: Duration = "30d"
