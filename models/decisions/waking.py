"""At which touchpoints what waits is looked at again: those that may have changed the answer."""

from __future__ import annotations

from typing import Any, Final

from models.customer.profile import SUBSCRIPTION_KINDS
from models.decisions.policy.in_force import PolicyInForce
from models.touchpoints.kinds import Kind

WAKING: Final = frozenset(
    {
        Kind.CASE_OPENED,
        Kind.CASE_RESOLVED,
        Kind.CONSENT_CHANGED,
        Kind.MESSAGE_UNSUBSCRIBED,
        Kind.RESTRICTED,
        Kind.RESTRICTION_REQUESTED,
        Kind.PREFERENCES_UPDATED,
        Kind.PROFILE_UPDATED,
        Kind.PRESENCE,
        Kind.OFFER_DELIVERED,  # which may have been earlier than was presumed
        Kind.OFFER_DECLINED,
        Kind.OFFER_WITHDRAWN,
        Kind.OFFER_FAILED,
        Kind.OFFER_EXPIRED,
        Kind.COUPON_REDEEMED,
        Kind.EXPIRED_UNSENT,
        *SUBSCRIPTION_KINDS,
    }
)
"""Kinds of touchpoints at which what waits is looked at again; of presence, where that can change the answer."""
_PRESENCE: Final = int(Kind.PRESENCE)


def wakes(policy: PolicyInForce, kind: int, data: Any) -> bool:
    """Whether what waits is looked at again at a touchpoint."""
    return kind in WAKING and (kind != _PRESENCE or opens_a_way(policy, data))


def opens_a_way(policy: PolicyInForce, data: Any) -> bool:
    """Whether a `presence` can change an answer: the customer is online on a channel with `presence`, which comes first
    then; or the policy lets marketing wait while they are online somewhere, which any word of presence may end."""
    talk, channel = policy.policy.conversation, policy.policy.channel.get(data.channel)
    if talk is not None and talk.channels:
        return True
    return channel is not None and channel.presence and data.state == "online"
