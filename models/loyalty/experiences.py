"""What a touchpoint was to the customer, from -1 (bad) to 1 (good), and who spoke of us where others hear it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, NamedTuple

from models.touchpoints.kinds import Kind
from models.touchpoints.payload import SEVERITY

HEARD: Final = 0.05
"""A sentiment so far from zero is one; between, it is neutral."""


class Mood(StrEnum):
    """How somebody spoke of us."""

    GOOD = "good"
    BAD = "bad"
    NEUTRAL = "neutral"
    UNKNOWN = "unknown"


class Experience(NamedTuple):
    """Of a kind. weight: of one at its best or worst, in units of the index. of: what one was, from its data and the
    sentiment of its words (None: not known); None: nobody can tell."""

    weight: float
    of: Callable[[Any, float | None], float | None]


def mood_of(sentiment: float | None) -> Mood:
    """
    >>> mood_of(0.4).value, mood_of(None).value
    ('good', 'unknown')
    """
    if sentiment is None:
        return Mood.UNKNOWN
    if abs(sentiment) < HEARD:
        return Mood.NEUTRAL
    return Mood.GOOD if sentiment > 0 else Mood.BAD


def _good(data: Any, sentiment: float | None) -> float:
    return 1.0


def _bad(data: Any, sentiment: float | None) -> float:
    return -1.0


def _said(data: Any, sentiment: float | None) -> float | None:
    return sentiment


def _severe(data: Any, sentiment: float | None) -> float:
    return -(SEVERITY[data.severity] + 1.0) / 4.0


def _stars(data: Any, sentiment: float | None) -> float:
    """Their own number says more than their words."""
    return float((data.rating - 3) / 2)


def _score(data: Any, sentiment: float | None) -> float:
    return float((data.score - 3) / 2)


def _promoter(data: Any, sentiment: float | None) -> float:
    """As the net promoter score counts: promoters from 9 on, detractors up to 6."""
    return 1.0 if data.score >= 9 else -1.0 if data.score <= 6 else 0.0


def _recommends(data: Any, sentiment: float | None) -> float:
    """The same of a likelihood; without one they did it."""
    likelihood = data.likelihood
    if likelihood is None:
        return 1.0
    return 1.0 if likelihood >= 0.9 else -1.0 if likelihood <= 0.6 else 0.0


def _help(data: Any, sentiment: float | None) -> float:
    return 1.0


EXPERIENCES: Final[dict[int, Experience]] = {
    Kind.PURCHASE: Experience(2.0, _good),
    Kind.RETURN: Experience(2.0, _bad),
    Kind.SUBSCRIPTION_STARTED: Experience(5.0, _good),
    Kind.SUBSCRIPTION_RENEWED: Experience(5.0, _good),
    Kind.SUBSCRIPTION_CANCELLED: Experience(20.0, _bad),
    Kind.SUBSCRIPTION_PAUSED: Experience(5.0, _bad),
    Kind.PAYMENT_FAILED: Experience(3.0, _bad),
    Kind.PAYMENT_RECOVERED: Experience(3.0, _good),
    Kind.CANCEL_STARTED: Experience(10.0, _bad),
    Kind.DELIVERY_DELAYED: Experience(5.0, _bad),
    Kind.MESSAGE_UNSUBSCRIBED: Experience(5.0, _bad),
    Kind.EVENT_ATTENDED: Experience(5.0, _good),
    Kind.CHAT: Experience(5.0, _said),
    Kind.CALL: Experience(5.0, _said),
    Kind.EMAIL_RECEIVED: Experience(5.0, _said),
    Kind.REPLY_SENT: Experience(5.0, _said),
    Kind.SHARED: Experience(3.0, _good),
    Kind.MENTION: Experience(10.0, _said),
    Kind.REVIEW: Experience(10.0, _stars),
    Kind.RECOMMENDATION: Experience(10.0, _recommends),
    Kind.REFERRAL: Experience(15.0, _good),
    Kind.COMMUNITY_HELP: Experience(5.0, _help),
    Kind.CASE_OPENED: Experience(5.0, _severe),
    Kind.CASE_RESOLVED: Experience(5.0, _good),
    Kind.COMPLAINT: Experience(20.0, _severe),
    Kind.CSAT: Experience(10.0, _score),
    Kind.NPS: Experience(10.0, _promoter),
    Kind.PROGRAMME_JOINED: Experience(5.0, _good),
    Kind.REWARD_REDEEMED: Experience(3.0, _good),
    Kind.OFFER_DECLINED: Experience(1.0, _bad),
    Kind.SPAM_REPORTED: Experience(10.0, _bad),
}
"""By kind, with the weight that it has where the policy gives no other."""
SAYS: Final = frozenset(int(kind) for kind, one in EXPERIENCES.items() if one.of is _said)
"""Kinds whose sentiment is all that they are weighed by."""
ALWAYS: Final = {_good: 1.0, _bad: -1.0, _help: 1.0}
"""What an experience is that depends on nothing that is told of it."""


def _recommended(data: Any, sentiment: float | None) -> Mood:
    return mood_of(_recommends(data, sentiment))


def _helped(data: Any, sentiment: float | None) -> Mood | None:
    return Mood.GOOD if data.role == "given" else None


VOICES: Final[dict[int, Callable[[Any, float | None], Mood | None]]] = {
    Kind.RECOMMENDATION: _recommended,
    Kind.REFERRAL: lambda data, sentiment: Mood.GOOD,
    Kind.REVIEW: lambda data, sentiment: mood_of(_stars(data, sentiment)),
    Kind.MENTION: lambda data, sentiment: mood_of(sentiment),
    Kind.COMMUNITY_HELP: _helped,
}
"""By kind by which a customer speaks of us where others hear it: how; None: this one does not. In the order in which
the record counts those who spoke well."""
