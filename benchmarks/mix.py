"""What customers do on an ordinary day: the types of touchpoints, how often each comes, and its data.

Weights are per thousand. Data is drawn from a few hundred ready-made variants a type, so that writing a million events
takes seconds; ids, times and customers are each event's own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np

VARIANTS = 256

SHOP, APP = "https://shop.example/checkout", "https://www.shop.example/app"
MESSAGING, CHAT = "urn:example:messaging", "urn:example:conversations"
CRM, LOYALTY = "https://crm.example/service", "urn:example:loyalty"


class Type(NamedTuple):
    """A type of touchpoint: its source, its weight (per thousand), and its ready-made data as JSON."""

    name: str
    source: str
    weight: float
    data: list[bytes]


def mix(seed: int) -> list[Type]:
    """The 36 types, in a fixed order; the same seed gives the same bytes."""
    rng = np.random.default_rng(seed)

    def pick(*values: Any) -> Any:
        return values[int(rng.integers(len(values)))]

    def number(most: int) -> int:
        return int(rng.integers(1, most))

    def amount(median: float) -> float:
        return round(median * float(rng.lognormal(0.0, 0.7)), 2)

    def sentiment() -> float:
        return round(float(rng.uniform(-1.0, 1.0)), 2)

    def channel() -> str:
        return str(pick("email", "push", "sms", "whatsapp", "app", "web"))

    def topic() -> str:
        return str(pick("delivery", "invoice", "packaging", "returns", "account", "product"))

    def reference(kind: str, most: int) -> str:
        return f"{kind}-{number(most):06d}"

    def case() -> str:
        # Few, so that what is opened is also updated and resolved.
        return f"case-{number(4)}"

    text = "Arrived a day late, but well packed; the second bag was torn."
    made: dict[tuple[str, str, float], Any] = {
        ("content_viewed", APP, 230): lambda: {"content_id": reference("guide/article", 90_000)},
        ("visit", APP, 195): lambda: {"channel": pick("app", "web", "store"), "seconds": number(900)},
        ("message_opened", MESSAGING, 110): lambda: {"channel": channel(), "message_id": reference("m", 900_000)},
        ("search", APP, 80): lambda: {"query": pick("decaf espresso beans", "gift under 30", "descaling tablets")},
        ("presence", CHAT, 80): lambda: {"state": pick("online", "offline"), "channel": channel()},
        ("purchase", SHOP, 15): lambda: {
            "amount": amount(40.0),
            "quantity": number(4),
            "currency": "EUR",
            "order_id": reference("2026", 900_000),
        },
        ("message_clicked", MESSAGING, 40): lambda: {"channel": channel(), "message_id": reference("m", 900_000)},
        ("campaign_received", MESSAGING, 40): lambda: {"campaign_id": reference("spring", 30), "channel": channel()},
        ("cart_abandoned", SHOP, 30): lambda: {"amount": amount(60.0)},
        ("chat", CHAT, 30): lambda: {
            "participants": [f"agent-{number(40)}"],
            "channel": channel(),
            "topic": topic(),
            "sentiment": sentiment(),
        },
        ("email_received", CRM, 16): lambda: {"topic": topic(), "sentiment": sentiment()},
        ("reply_sent", MESSAGING, 12): lambda: {"channel": channel(), "sentiment": sentiment()},
        ("call", CRM, 10): lambda: {
            "direction": pick("inbound", "outbound"),
            "seconds": number(900),
            "topic": topic(),
            "sentiment": sentiment(),
        },
        ("review", APP, 10): lambda: {"rating": number(6), "text": text},
        ("case_opened", CRM, 8): lambda: {"case_id": case(), "severity": pick("low", "normal"), "topic": topic()},
        ("case_updated", CRM, 8): lambda: {"case_id": case(), "topic": topic()},
        ("case_resolved", CRM, 8): lambda: {"case_id": case(), "topic": topic()},
        ("csat", CRM, 8): lambda: {"score": number(6)},
        ("return", SHOP, 7): lambda: {"amount": amount(20.0), "order_id": reference("2026", 900_000)},
        ("mention", CHAT, 6): lambda: {"channel": "mastodon", "sentiment": sentiment(), "text": text},
        ("shared", APP, 6): lambda: {"content_id": reference("guide/article", 90_000), "channel": channel()},
        ("coupon_redeemed", SHOP, 6): lambda: {"coupon_id": reference("SPRING", 99), "amount": amount(5.0)},
        ("reward_redeemed", LOYALTY, 6): lambda: {"reward": "free-shipping", "points": number(900)},
        ("nps", MESSAGING, 5): lambda: {"score": number(11)},
        ("complaint", CRM, 5): lambda: {"topic": topic(), "severity": pick("normal", "high"), "text": text},
        ("recommendation", APP, 5): lambda: {"likelihood": round(float(rng.random()), 2)},
        ("referral", APP, 4): lambda: {"referred": f"c-{number(90_000):08d}"},
        ("preferences_updated", APP, 4): lambda: {"channels": [channel()], "max_per_week": number(5)},
        ("subscription_renewed", SHOP, 4): lambda: {"plan": "coffee-monthly", "amount": 18},
        ("programme_joined", LOYALTY, 3): lambda: {"programme": "bean-counters"},
        ("profile_updated", APP, 2): lambda: {"customer_class": "consumer", "language": "nl-NL", "country": "NL"},
        ("consent_changed", APP, 2): lambda: {"marketing": pick(True, True, True, False)},
        ("community_help", CHAT, 2): lambda: {"role": pick("given", "received")},
        ("event_attended", APP, 1): lambda: {"name": "Open roastery day"},
        ("payment_failed", SHOP, 1): lambda: {"amount": 18, "reason": "card expired"},
        ("subscription_cancelled", SHOP, 1): lambda: {"plan": "coffee-monthly", "reason": "too many bags left"},
    }
    return [
        Type(name, source, weight, [msgspec.json.encode(data()) for _ in range(VARIANTS)])
        for (name, source, weight), data in made.items()
    ]
