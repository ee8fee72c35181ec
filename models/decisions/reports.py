"""What a touchpoint says of a trigger or of a contact by others: it arrived, was not sent, ended its promotion.

It changes the `Standing` that it is given, and expects one that `models.decisions.contact.settle` has brought to the
present.
"""

from __future__ import annotations

from typing import Any, Final

from models.customer.restrictions import MARKETING as TO_MARKET
from models.decisions.contact import (
    DECLINED,
    DELIVERED,
    GIVEN_BACK,
    LATE,
    MARKETING,
    REDEEMED,
    REFUSED,
    Settled,
    count_entry,
    find,
    make_room,
    second_from,
    without_promotion,
)
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rules import rules_of
from models.decisions.standing import (
    MAX_OUTSTANDING,
    OTHERS,
    Outstanding,
    Stage,
    Standing,
    channel_number,
    id_of,
)
from models.touchpoints.kinds import Kind
from models.touchpoints.times import milliseconds

_NOT_SENT: Final = frozenset({Kind.OFFER_WITHDRAWN, Kind.EXPIRED_UNSENT})
_DELIVERIES: Final = frozenset({Kind.OFFER_DELIVERED, Kind.CAMPAIGN_RECEIVED})
ARRIVED: Final = _DELIVERIES | {
    Kind.OFFER_OPENED,
    Kind.OFFER_ACCEPTED,
    Kind.OFFER_DECLINED,
    Kind.COUPON_REDEEMED,
    Kind.SPAM_REPORTED,
}
"""Touchpoints from which it follows that a trigger arrived."""
REPORTS: Final = frozenset(map(int, _NOT_SENT | ARRIVED | {Kind.OFFER_FAILED}))
"""Kinds of touchpoints of which `report` takes anything."""
_ENDS: Final[dict[int, str]] = {Kind.OFFER_DECLINED: DECLINED, Kind.COUPON_REDEEMED: REDEEMED}
"""Touchpoints that end a promotion, and how."""


def report(standing: Standing, policy: PolicyInForce, kind: int, data: Any, time: int) -> list[Settled]:
    """Let a touchpoint tell what became of a trigger, or of a contact by others.

    Args:
        kind: of `Kind`; one that tells nothing of it changes nothing.
        data: the touchpoint's own.
        time: of the touchpoint.
    """
    rules = rules_of(policy)
    if kind == Kind.CAMPAIGN_RECEIVED and data.trigger_id is None:
        return _by_others(standing, data, time) if data.purpose == TO_MARKET else []
    named = data.coupon_id if kind == Kind.COUPON_REDEEMED else getattr(data, "trigger_id", None)
    at = find(standing, id_of(named or ""))
    if kind == Kind.SPAM_REPORTED:
        standing.rests_until = max(standing.rests_until, second_from(time + rules.spam))
    elif kind == Kind.OFFER_DECLINED and (at is None or standing.outstanding[at].purpose == MARKETING):
        standing.rests_until = max(standing.rests_until, second_from(time + rules.declined))
        of_entry = 0 if at is None else standing.outstanding[at].channel
        rests = rules.rests_on.get(channel_number(data.channel) if data.channel else of_entry)
        if rests is not None:
            standing.once[rests.key] = max(standing.once.get(rests.key, 0), second_from(time))
    elif kind == Kind.OFFER_FAILED and data.failure == "soft":
        standing.rests_until = max(standing.rests_until, second_from(time + rules.soft_failure))
    if at is None:
        return []
    if kind in _NOT_SENT or (kind == Kind.OFFER_FAILED and data.failure == "refused_by_sender"):
        return _give_back(standing, at)
    settled = _deliver(standing, at, time, kind in _DELIVERIES, rules.once_per) if kind in ARRIVED else []
    entry = standing.outstanding[at]
    if kind in _ENDS and entry.until:
        settled.append(Settled(entry.id, _ENDS[kind], entry))
        standing.outstanding[at] = without_promotion(entry) if kind == Kind.OFFER_DECLINED else entry._replace(until=0)
    return settled


def _deliver(standing: Standing, at: int, time: int, again: bool, once_per: dict[int, int]) -> list[Settled]:
    """It arrived; what was given back is had after all. again: the word is of the delivery itself, so that its time
    counts."""
    entry = standing.outstanding[at]
    known = entry.stage in (Stage.DELIVERED, Stage.PRESUMED)
    moved = max(entry.time, second_from(time)) if again or not known else entry.time
    open_until = entry.until if entry.until > time else 0
    late = entry.stage == Stage.GIVEN_BACK
    if late:
        standing.promoted = standing.promoted or bool(entry.until and standing.reached and entry.kind != OTHERS)
        if entry.action in once_per:
            standing.once[entry.action] = max(standing.once.get(entry.action, 0), entry.time)
    standing.outstanding[at] = entry._replace(
        stage=Stage.DELIVERED, time=moved, until=open_until if late else entry.until, moment=0, asked=0
    )
    return [] if known else [Settled(entry.id, LATE if late else DELIVERED, entry)]


def _give_back(standing: Standing, at: int) -> list[Settled]:
    entry = standing.outstanding[at]
    if entry.stage == Stage.GIVEN_BACK:
        return []
    if entry.stage == Stage.DELIVERED:
        return [Settled(entry.id, REFUSED, entry)]
    standing.outstanding[at] = entry._replace(stage=Stage.GIVEN_BACK)
    if entry.until and entry.kind != OTHERS:
        standing.promoted = False
    last = standing.once.get(entry.action, 0)
    presumed = entry.stage == Stage.PRESUMED  # its time is that of its expiry
    others = any(one.action == entry.action and one.stage != Stage.GIVEN_BACK for one in standing.outstanding)
    if last and (last == entry.time or (presumed and last < entry.time and not others)):
        del standing.once[entry.action]
    return [Settled(entry.id, GIVEN_BACK, entry)]


def by_others(data: Any, time: int) -> Outstanding:
    """A contact by others as it is kept. data: of a `campaign_received`; time: of it, ms."""
    until = milliseconds(data.until) if data.promotion and data.until is not None else 0
    at, channel = second_from(time), channel_number(data.channel or "")
    return Outstanding(0, at, at, second_from(until), channel, 0, OTHERS, MARKETING, Stage.DELIVERED)


def _by_others(standing: Standing, data: Any, time: int) -> list[Settled]:
    entry = by_others(data, time)
    settled = make_room(standing, forced=entry.until > time)
    if len(standing.outstanding) < MAX_OUTSTANDING:
        standing.outstanding.append(entry)
    else:
        count_entry(standing, entry)
    return settled
