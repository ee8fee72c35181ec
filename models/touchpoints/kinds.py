"""The closed set of event types, as stable numbers.

A number is 16 x family + place. Records, examples and models keep these numbers: never renumber one, never reuse one
that was given up; a new kind takes the next free place of its family. All fit in a byte.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Family(IntEnum):
    """What sort of contact a touchpoint is: the grain at which behaviour is counted."""

    COMMERCE = 0
    ENGAGEMENT = 1
    CONVERSATION = 2
    SOCIAL = 3
    SERVICE = 4
    DIRECTED = 5  # what the customer tells the engine about themselves
    LOYALTY = 6
    CAMPAIGN = 7


class Kind(IntEnum):
    """One number per type; the type's name on the wire is the member's name in lower case."""

    PURCHASE = 0x01
    RETURN = 0x02
    CART_ABANDONED = 0x03
    SUBSCRIPTION_STARTED = 0x04
    SUBSCRIPTION_RENEWED = 0x05
    SUBSCRIPTION_CANCELLED = 0x06
    PAYMENT_FAILED = 0x07
    SUBSCRIPTION_PAUSED = 0x08
    SUBSCRIPTION_RESUMED = 0x09
    SUBSCRIPTION_CHANGED = 0x0A
    PAYMENT_RECOVERED = 0x0B
    CANCEL_STARTED = 0x0C
    DELIVERY_DELAYED = 0x0D
    PRICE_CHANGE_ANNOUNCED = 0x0E

    VISIT = 0x11
    SEARCH = 0x12
    CONTENT_VIEWED = 0x13
    MESSAGE_OPENED = 0x14
    MESSAGE_CLICKED = 0x15
    MESSAGE_UNSUBSCRIBED = 0x16
    EVENT_ATTENDED = 0x17

    PRESENCE = 0x21
    CHAT = 0x22
    SHARED = 0x23
    CALL = 0x24
    EMAIL_RECEIVED = 0x25
    REPLY_SENT = 0x26

    MENTION = 0x31
    REVIEW = 0x32
    RECOMMENDATION = 0x33
    REFERRAL = 0x34
    COMMUNITY_HELP = 0x35

    CASE_OPENED = 0x41
    CASE_UPDATED = 0x42
    CASE_RESOLVED = 0x43
    COMPLAINT = 0x44
    CSAT = 0x45
    NPS = 0x46

    PREFERENCES_UPDATED = 0x51
    PROFILE_UPDATED = 0x52
    CONSENT_CHANGED = 0x53
    ERASE_REQUESTED = 0x54
    RESTRICTED = 0x55
    ACCESS_REQUESTED = 0x56
    RESTRICTION_REQUESTED = 0x57
    DECISION_CONTESTED = 0x58
    IDENTITY_MERGED = 0x59

    PROGRAMME_JOINED = 0x61
    REWARD_REDEEMED = 0x62
    REWARD_CANCELLED = 0x63
    POINTS_ADJUSTED = 0x64

    CAMPAIGN_RECEIVED = 0x71
    COUPON_REDEEMED = 0x72
    OFFER_DELIVERED = 0x73
    OFFER_OPENED = 0x74
    OFFER_ACCEPTED = 0x75
    OFFER_DECLINED = 0x76
    OFFER_EXPIRED = 0x77
    OFFER_SENT = 0x78
    OFFER_FAILED = 0x79
    OFFER_WITHDRAWN = 0x7A
    SPAM_REPORTED = 0x7B

    CLOCK = 0x81
    EXPIRED_UNSENT = 0x82
    MODEL_CHOSEN = 0x83
    SETTINGS_CHOSEN = 0x84
    POLICY_CHOSEN = 0x85
    STOPPED = 0x86
    RESUMED = 0x87
    LOOKED_AT = 0x88
    ASKED_MAY = 0x89
    PREVIEW_ASKED = 0x8A
    IDENTITY_MOVED = 0x8B
    TOUCHPOINT_FORWARDED = 0x8C
    SHARED_MOMENT = 0x8D

    @property
    def type(self) -> str:
        """The CloudEvents type, as in ``"purchase"``."""
        return self.name.lower()


# Written by the engine and its operators into its own partitions: clock records, loopback, choices. Nobody upstream may
# publish them.
RESERVED: Final = frozenset(kind for kind in Kind if kind >= 0x80)

RIGHTS: Final = frozenset(
    {
        Kind.CONSENT_CHANGED,
        Kind.MESSAGE_UNSUBSCRIBED,
        Kind.SPAM_REPORTED,
        Kind.RESTRICTED,
        Kind.ERASE_REQUESTED,
        Kind.ACCESS_REQUESTED,
        Kind.RESTRICTION_REQUESTED,
        Kind.DECISION_CONTESTED,
    }
)
"""What people say of what may be done with them and their data: a word that must not be lost, however late it comes."""

# The family of every kind that a customer's touch can have; reserved kinds are not touches and have none.
FAMILY: Final[dict[Kind, Family]] = {kind: Family(kind >> 4) for kind in Kind if kind not in RESERVED}
