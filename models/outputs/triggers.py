"""What senders read: triggers, and what takes them back."""

from __future__ import annotations

import msgspec


class Position(msgspec.Struct, frozen=True, gc=False):
    """A position in the log of one shard. `due`: before the record at `offset`, not at it."""

    partition: int
    offset: int
    due: bool


class Reason(msgspec.Struct, frozen=True, gc=False):
    """A driver of risk: `contribution` is in logits against the average customer."""

    feature: str
    contribution: float
    text: str = msgspec.field(name="words")


class Trigger(msgspec.Struct, frozen=True, gc=False, tag="trigger", omit_defaults=True):
    """Asks a downstream messaging service to do one thing for one customer, once, before `expires_at`.

    Of a trigger that a policy decided (`policy` is its name), `probability`, `drivers`, `episode` and `step` say
    nothing: they stay in its `decision`. moment, level: what asked, and the level of a risk moment. purpose, kind,
    priority, content, parameters, notices: the action's. not_before: the earliest time to send it. language, zone: of
    the customer, where known. coupon, valid_until: of a promotion, and how long it can be used. cost: expected, of
    contact and action. propensity: the chance with which it was drawn; 0.0 where nothing was drawn. reserved: what
    it has taken of budgets, in units (a contact, or a hundredth of money). test: it is for somebody who tries things
    out; it counts for nothing. country: of the customer, where known. group: another customer is offered the same at
    the same time, under the same group; neither is told so.
    """

    id: str
    customer: str
    action: str
    channel: str
    probability: float
    drivers: list[Reason]
    episode: int
    step: int
    time: int
    expires_at: int
    model_version: int
    at: Position
    moment: str = ""
    level: str = ""
    purpose: str = ""
    kind: str = ""
    priority: int = 0
    decision: str = ""
    content: str = ""
    not_before: int = 0
    language: str = ""
    zone: str = ""
    parameters: dict[str, str | int | float | bool] = {}
    notices: tuple[str, ...] = ()
    coupon: str = ""
    valid_until: int = 0
    cost: float = 0.0
    propensity: float = 0.0
    policy: str = ""
    reserved: dict[str, int] = {}
    test: bool = False
    country: str = ""
    group: str = ""


class Withdrawal(msgspec.Struct, frozen=True, gc=False, tag="withdrawal", omit_defaults=True):
    """Takes a trigger back: whoever has not sent it drops it, and says so with an `offer_withdrawn`.

    Stands in the triggers topic, behind the trigger; of what went out under another id of the customer in the
    customer's partition. id: of this record; trigger: of what it takes back. reason: why,
    as a code (`models.decisions.gates`).
    """

    id: str
    customer: str
    trigger: str
    reason: str
    time: int
    at: Position


class Unsent(msgspec.Struct, frozen=True, gc=False, tag="unsent", omit_defaults=True):
    """Stands in the place of a trigger that was never sent, since an operator had stopped it: nothing is to be done.

    id: of this record; trigger: of what was not sent. reason: ``stopped``. time: ms since the epoch.
    """

    id: str
    customer: str
    trigger: str
    reason: str
    time: int


class StopOrder(msgspec.Struct, frozen=True, gc=False, tag="stopped", omit_defaults=True):
    """Orders whoever sends to drop what they hold of a partition's triggers that fits, and to say `offer_withdrawn`.

    One in each partition of the triggers topic, behind the triggers that were out. number: of the stop. purposes,
    actions, countries, kinds: all that are given must fit; none: everything. by, why: who stopped it, and why. time: ms
    since the epoch.
    """

    id: str
    number: int
    time: int
    purposes: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    by: str = ""
    why: str = ""
