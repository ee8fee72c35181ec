"""What came of customers, as their touchpoints tell: money, signs of trouble, and their class."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Any, Final

from models.proof.programme import HARMS
from models.touchpoints import Kind, Touch

_COMPLAINT, _UNSUBSCRIBED, _BAD_MENTION = range(len(HARMS))
_HARMS: Final[dict[int, int]] = {
    Kind.COMPLAINT: _COMPLAINT,
    Kind.MESSAGE_UNSUBSCRIBED: _UNSUBSCRIBED,
    Kind.SPAM_REPORTED: _UNSUBSCRIBED,
    Kind.CONSENT_CHANGED: _UNSUBSCRIBED,
    Kind.REVIEW: _BAD_MENTION,
    Kind.NPS: _BAD_MENTION,
    Kind.CSAT: _BAD_MENTION,
}
_USES: Final = frozenset(
    {Kind.VISIT, Kind.SEARCH, Kind.CONTENT_VIEWED, Kind.EVENT_ATTENDED, Kind.PURCHASE, Kind.REWARD_REDEEMED}
)
"""Touchpoints that show that something is used."""


class Happened:
    """One customer's. Times are those of the touchpoints, ms. bought, renewed, cancelled, used: when. redeemed:
    when, which coupon, and what that took off the price (0.0: not told)."""

    __slots__ = ("_classes", "_harms", "_money", "_seen", "bought", "cancelled", "redeemed", "renewed", "used")

    def __init__(self) -> None:
        self.bought: list[int] = []
        self.renewed: list[int] = []
        self.cancelled: list[int] = []
        self.used: list[int] = []
        self.redeemed: list[tuple[int, str, float]] = []
        self._money: list[tuple[int, float]] = []
        self._harms: list[tuple[int, int]] = []
        self._classes: list[tuple[int, str]] = []
        self._seen: set[int] = set()

    def take(self, touch: Touch) -> None:
        """A touchpoint; one that came before changes nothing."""
        if touch.id_hash in self._seen:
            return
        kind, time, data = touch.kind, touch.time, touch.data
        if kind in _USES:
            self.used.append(time)
        if kind == Kind.PURCHASE:
            self.bought.append(time)
            self._money.append((time, touch.a))
        elif kind == Kind.RETURN:
            self._money.append((time, -abs(touch.a)))
        elif kind == Kind.COUPON_REDEEMED:
            self.redeemed.append((time, str(getattr(data, "coupon_id", "")), touch.a))
        elif kind == Kind.PROFILE_UPDATED and getattr(data, "customer_class", None):
            self._classes.append((time, str(getattr(data, "customer_class", ""))))
        elif kind == Kind.SUBSCRIPTION_RENEWED:
            self.renewed.append(time)
        elif kind == Kind.SUBSCRIPTION_CANCELLED:
            self.cancelled.append(time)
        elif kind in _HARMS and _is_harm(kind, data):
            self._harms.append((time, _HARMS[kind]))
        elif kind not in _USES:
            return
        self._seen.add(touch.id_hash)

    def done(self) -> None:
        """All has been taken: in the order of time."""
        for times in (self.renewed, self.cancelled, self.used):
            times.sort()
        for listed in (self.bought, self._money, self._harms, self._classes, self.redeemed):
            listed.sort(key=_time_of)
        self._seen = set()

    def kept(self, after: int, until: int) -> bool:
        """Whether they bought after a time and no later than another."""
        return bisect_right(self.bought, after) < bisect_right(self.bought, until)

    def money(self, after: int, until: int) -> float:
        """Spent less refunded."""
        first, last = (bisect_right(self._money, at, key=_time_of) for at in (after, until))
        return sum(amount for _, amount in self._money[first:last])

    def harms(self, after: int, until: int) -> tuple[bool, ...]:
        """By `HARMS`, whether there was one."""
        found = {what for time, what in self._harms if after < time <= until}
        return tuple(what in found for what in range(len(HARMS)))

    def customer_class(self, at: int) -> str:
        """As was known then; who states none is a consumer."""
        place = bisect_left(self._classes, at + 1, key=_time_of)
        return self._classes[place - 1][1] if place else "consumer"


def _time_of(entry: Any) -> Any:
    return entry if isinstance(entry, int) else entry[0]


def _is_harm(kind: int, data: Any) -> bool:
    if kind == Kind.CONSENT_CHANGED:
        return data.marketing is False and data.purpose == "marketing"
    if kind == Kind.REVIEW:
        return bool(data.rating <= 2)
    if kind == Kind.NPS:
        return bool(data.score <= 6)
    return bool(data.score <= 2) if kind == Kind.CSAT else True
