"""The numbers of kinds and families are for ever."""

from __future__ import annotations

import pytest
from msgspec import inspect

from models.touchpoints import EVENTS, FAMILY, RESERVED, Family, Kind

# Written out again on purpose: records and models in the field hold these numbers.
NUMBERS = {
    "purchase": 1,
    "return": 2,
    "cart_abandoned": 3,
    "subscription_started": 4,
    "subscription_renewed": 5,
    "subscription_cancelled": 6,
    "payment_failed": 7,
    "subscription_paused": 8,
    "subscription_resumed": 9,
    "subscription_changed": 10,
    "payment_recovered": 11,
    "cancel_started": 12,
    "delivery_delayed": 13,
    "price_change_announced": 14,
    "visit": 17,
    "search": 18,
    "content_viewed": 19,
    "message_opened": 20,
    "message_clicked": 21,
    "message_unsubscribed": 22,
    "event_attended": 23,
    "presence": 33,
    "chat": 34,
    "shared": 35,
    "call": 36,
    "email_received": 37,
    "reply_sent": 38,
    "mention": 49,
    "review": 50,
    "recommendation": 51,
    "referral": 52,
    "community_help": 53,
    "case_opened": 65,
    "case_updated": 66,
    "case_resolved": 67,
    "complaint": 68,
    "csat": 69,
    "nps": 70,
    "preferences_updated": 81,
    "profile_updated": 82,
    "consent_changed": 83,
    "erase_requested": 84,
    "restricted": 85,
    "access_requested": 86,
    "restriction_requested": 87,
    "decision_contested": 88,
    "programme_joined": 97,
    "reward_redeemed": 98,
    "reward_cancelled": 99,
    "points_adjusted": 100,
    "campaign_received": 113,
    "coupon_redeemed": 114,
    "offer_delivered": 115,
    "offer_opened": 116,
    "offer_accepted": 117,
    "offer_declined": 118,
    "offer_expired": 119,
    "offer_sent": 120,
    "offer_failed": 121,
    "offer_withdrawn": 122,
    "spam_reported": 123,
    "clock": 129,
    "expired_unsent": 130,
    "model_chosen": 131,
    "settings_chosen": 132,
    "policy_chosen": 133,
    "stopped": 134,
    "resumed": 135,
    "asked_may": 137,
    "preview_asked": 138,
}


def test_no_kind_was_renumbered() -> None:
    now = {kind.type: int(kind) for kind in Kind}
    assert {name: now.get(name) for name in NUMBERS} == NUMBERS


def test_every_kind_fits_in_a_byte_and_none_is_zero() -> None:
    assert all(0 < kind < 256 for kind in Kind)


def test_families_are_numbered_in_the_documented_order() -> None:
    names = ["COMMERCE", "ENGAGEMENT", "CONVERSATION", "SOCIAL", "SERVICE", "DIRECTED", "LOYALTY", "CAMPAIGN"]
    assert [family.name for family in sorted(Family)] == names
    assert [int(family) for family in sorted(Family)] == list(range(8))


def test_every_kind_but_the_reserved_has_the_family_of_its_name() -> None:
    assert set(FAMILY) == set(Kind) - RESERVED
    first = ["purchase", "visit", "presence", "mention", "case_opened", "preferences_updated", "programme_joined"]
    last = [
        "payment_failed",
        "event_attended",
        "reply_sent",
        "community_help",
        "nps",
        "erase_requested",
        "reward_redeemed",
    ]
    of = {kind.type: family for kind, family in FAMILY.items()}
    assert [of[name] for name in first] == [of[name] for name in last] == list(Family)[:7]
    assert of["coupon_redeemed"] == of["offer_expired"] == Family.CAMPAIGN


def test_every_kind_has_one_event_and_every_event_one_kind() -> None:
    assert list(EVENTS) == [kind.type for kind in Kind]


@pytest.mark.parametrize("name", EVENTS)
def test_the_tag_on_the_wire_is_the_kinds_type(name: str) -> None:
    config = EVENTS[name].__struct_config__
    assert (config.tag_field, config.tag) == ("type", name)
    assert config.frozen
    assert not config.gc


def test_no_part_of_an_event_is_work_for_the_garbage_collector() -> None:
    waiting: list[object] = [inspect.type_info(event) for event in EVENTS.values()]
    structs = set()
    while waiting:
        match waiting.pop():
            case inspect.StructType(cls=cls, fields=fields) if cls not in structs:
                structs.add(cls)
                waiting += [field.type for field in fields]
            case inspect.UnionType(types=types):
                waiting += types
            case inspect.Metadata(type=inner) | inspect.VarTupleType(item_type=inner):
                waiting.append(inner)
    assert len(structs) > len(EVENTS)
    assert [cls.__name__ for cls in structs if cls.__struct_config__.gc] == []
