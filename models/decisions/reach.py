"""Whether a customer is reached on a channel: after a failure for good nothing is sent there, whatever it is for.

No refusal: the customer has said nothing. It is over once something newer shows that the channel works: a message that
arrived there, or a consent to marketing that names it, for which somebody has stated an address.
"""

from __future__ import annotations

from typing import Any, Final

from models.customer.consent import MARKETING, Register
from models.customer.moments import whole
from models.decisions.reports import ARRIVED
from models.decisions.standing import MAX_UNREACHABLE, Standing, channel_number, id_of
from models.settings import SECOND
from models.touchpoints.kinds import Kind

UNREACHABLE: Final = "unreachable"
FOR_GOOD: Final = frozenset({"hard", "no_address"})
"""Failures after which the next message will fail as well."""


def unreachable(standing: Standing, channel: str) -> bool:
    """Whether nothing arrives on a channel."""
    return bool(standing.unreachable) and channel_number(channel) in standing.unreachable


def hear(standing: Standing, register: Register, kind: int, data: Any, time: int) -> None:
    """Let a touchpoint tell whether a channel works. Of a failure and a proof of the contrary the newer counts.

    Args:
        standing: changed.
        register: what was said of consent, with this touchpoint in it.
        kind: of `Kind`; one that tells nothing of it changes nothing.
        data: the touchpoint's own.
        time: of the touchpoint, ms.
    """
    if kind == Kind.OFFER_FAILED and data.failure in FOR_GOOD:
        _failed(standing, register, data.channel, time)
    elif not standing.unreachable:
        return
    elif kind == Kind.CONSENT_CHANGED and data.marketing and data.purpose == MARKETING:
        for channel in data.channels or ():
            _works(standing, channel_number(channel), time)
    elif kind in ARRIVED:
        _works(standing, _channel_of(standing, data), time)


def _failed(standing: Standing, register: Register, channel: str, time: int) -> None:
    said, number = register.get((MARKETING, channel)), channel_number(channel)
    if said is not None and said.granted and said.time > time:
        return
    failed = {**standing.unreachable}
    failed[number] = max(failed.get(number, 0), whole(time + SECOND - 1))
    while len(failed) > MAX_UNREACHABLE:
        del failed[min(failed, key=lambda one: (failed[one], one))]
    standing.unreachable = failed


def _works(standing: Standing, number: int, time: int) -> None:
    if standing.unreachable.get(number, time) < time:
        standing.unreachable = {one: since for one, since in standing.unreachable.items() if one != number}


def _channel_of(standing: Standing, data: Any) -> int:
    """The channel on which something arrived, by number: as it is told, else that of the trigger; 0: nobody knows."""
    stated = getattr(data, "channel", None)
    if stated:
        return channel_number(stated)
    named = id_of(getattr(data, "trigger_id", None) or getattr(data, "coupon_id", None) or "")
    return next((one.channel for one in standing.outstanding if named and one.id == named), 0)
