"""Synthetic logs: customers of different rhythms, every kind of touchpoint, and everything that can be wrong with one.

A log is made from a seed and nothing else: the same seed gives the same bytes. `synthetic` gives partitions as the
engine reads them; `tape` gives the same as key, value and timestamp, for tests that publish them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, NamedTuple

from models.settings import DAY, HOUR, MINUTE, SECOND
from models.timeline.batch import LogRecord
from models.timeline.partitioning import partition_of
from models.touchpoints import MAX_EVENT_BYTES, Kind, event

START = 946_857_600_000
"""2000-01-03T00:00:00Z, a Monday."""

SOURCE = "urn:example:shop"
CHANNELS = ("email", "sms", "app", "whatsapp")
Data = dict[str, Any]


class Entry(NamedTuple):
    """A record to be published."""

    partition: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def _sentiment(random: Random) -> float:
    return round(random.uniform(-1, 1), 2)


DATA: dict[str, Callable[[Random], Data]] = {
    "purchase": lambda r: {"amount": round(r.lognormvariate(3, 1), 2), "quantity": r.randint(1, 5)},
    "return": lambda r: {"amount": round(r.uniform(1, 50), 2)},
    "cart_abandoned": lambda r: {"amount": round(r.uniform(1, 90), 2)},
    "subscription_started": lambda r: {"plan": "monthly", "amount": 12},
    "subscription_renewed": lambda r: {},
    "subscription_cancelled": lambda r: {"reason": "too much"},
    "payment_failed": lambda r: {"amount": 12},
    "subscription_paused": lambda r: {"reason": "on holiday"},
    "subscription_resumed": lambda r: {"renews_at": "2000-07-01T00:00:00Z"},
    "subscription_changed": lambda r: {"amount": r.randint(5, 20), "term": r.choice(("week", "month"))},
    "payment_recovered": lambda r: {"amount": 12},
    "cancel_started": lambda r: {},
    "delivery_delayed": lambda r: {"amount": round(r.uniform(1, 90), 2), "expected_at": "2000-05-02T12:00:00Z"},
    "price_change_announced": lambda r: {"plan": "monthly", "amount": 13, "former_amount": 12},
    "visit": lambda r: {"channel": r.choice(CHANNELS), "seconds": r.randint(0, 900)},
    "search": lambda r: {"query": "beans"},
    "content_viewed": lambda r: {"content_id": f"page-{r.randint(1, 9)}"},
    "message_opened": lambda r: {"channel": r.choice(CHANNELS)},
    "message_clicked": lambda r: {"channel": r.choice(CHANNELS)},
    "message_unsubscribed": lambda r: {"channel": r.choice(CHANNELS)},
    "event_attended": lambda r: {"name": "Open day"},
    "presence": lambda r: {"state": r.choice(("online", "offline")), "channel": r.choice(CHANNELS)},
    "chat": lambda r: {"participants": ["a", "b"], "sentiment": _sentiment(r)},
    "shared": lambda r: {},
    "call": lambda r: {"direction": r.choice(("inbound", "outbound")), "sentiment": _sentiment(r)},
    "email_received": lambda r: {"sentiment": _sentiment(r)},
    "reply_sent": lambda r: {"channel": r.choice(CHANNELS)},
    "mention": lambda r: {"sentiment": _sentiment(r)},
    "review": lambda r: {"rating": r.randint(1, 5), "text": "déjà vu"},
    "recommendation": lambda r: {"likelihood": round(r.random(), 2)},
    "referral": lambda r: {},
    "community_help": lambda r: {"role": r.choice(("given", "received"))},
    "case_opened": lambda r: {"case_id": f"T-{r.randint(1, 4)}", "severity": "high"},
    "case_updated": lambda r: {"case_id": f"T-{r.randint(1, 4)}"},
    "case_resolved": lambda r: {"case_id": f"T-{r.randint(1, 4)}"},
    "complaint": lambda r: {"severity": "critical"},
    "csat": lambda r: {"score": r.randint(1, 5)},
    "nps": lambda r: {"score": r.randint(0, 10)},
    "preferences_updated": lambda r: {
        "channels": r.sample(CHANNELS, r.randint(0, 3)),
        "max_per_week": r.randint(0, 5),
        "quiet_hours": {"start": "22:00", "end": "07:30"},
        "time_zone": "Europe/Amsterdam",
    },
    "profile_updated": lambda r: {"customer_class": r.choice(("consumer", "business"))},
    "consent_changed": lambda r: {"marketing": r.random() < 0.6},
    "erase_requested": lambda r: {},
    "restricted": lambda r: {
        "reason": r.choice(("dispute", "vulnerable", "test")),
        "until": f"2000-0{r.randint(2, 5)}-01T00:00:00Z",
    },
    "access_requested": lambda r: {},
    "restriction_requested": lambda r: {"until": f"2000-0{r.randint(2, 5)}-01T00:00:00Z"} if r.random() < 0.7 else {},
    "decision_contested": lambda r: {"trigger_id": "0123"},
    "programme_joined": lambda r: {"programme": "bean-counters"},
    "reward_redeemed": lambda r: {"reward": "free-shipping", "points": 100},
    "campaign_received": lambda r: {"campaign_id": "spring"},
    "coupon_redeemed": lambda r: {"coupon_id": "SPRING10", "amount": 5},
    "offer_delivered": lambda r: {"trigger_id": "0123"},
    "offer_opened": lambda r: {"trigger_id": "0123"},
    "offer_accepted": lambda r: {"trigger_id": "0123"},
    "offer_declined": lambda r: {"trigger_id": "0123"},
    "offer_expired": lambda r: {"trigger_id": "0123"},
    "offer_sent": lambda r: {"trigger_id": "0123"},
    "offer_failed": lambda r: {
        "trigger_id": "0123",
        "channel": r.choice(CHANNELS),
        "failure": r.choice(("hard", "soft", "refused_by_sender")),
    },
    "offer_withdrawn": lambda r: {"trigger_id": "0123"},
    "spam_reported": lambda r: {"channel": r.choice(CHANNELS)},
    "expired_unsent": lambda r: {"trigger_id": "0123"},
    "asked_may": lambda r: {
        "purpose": r.choice(("marketing", "marketing", "care")),
        "channel": r.choice(CHANNELS),
        "promotion": r.random() < 0.3,
        "lasts": r.choice((3_600_000, 259_200_000)),
    },
    "preview_asked": lambda r: {
        "action": r.choice(("offer", "say_sorry", "something_useful", "none_such")),
        "to": "somebody-who-tries",
        "at_once": r.random() < 0.5,
    },
    "looked_at": lambda r: {},
    "reward_cancelled": lambda r: {"reward": "free-shipping"},
    "points_adjusted": lambda r: {"points": r.choice((-20, 50)), "reason": "as agreed"},
}
"""Data for every kind that concerns a customer."""

_RARE = ("erase_requested", "consent_changed", "expired_unsent")
_PERSONAL = (
    "cancel_started",
    "offer_failed",
    "offer_sent",
    "offer_withdrawn",
    "payment_recovered",
    "restricted",
    "spam_reported",
    "subscription_changed",
    "subscription_paused",
    "subscription_resumed",
)
"""Drawn by a chance of their own, so that the rest of a log stays as it was before there were these."""
OF_ORDERS = ("delivery_delayed", "price_change_announced")
REQUESTS = ("access_requested", "restriction_requested", "decision_contested")
"""Both drawn by whoever takes any kind there is (`DATA`), so that drawn logs stay as they were."""
ASKED = ("asked_may", "preview_asked", "looked_at")
"""Records of ours about a customer: drawn in the same way."""
POINTS = ("reward_cancelled", "points_adjusted")
"""Likewise, of the ledger of points."""
_OTHERS = tuple(sorted(set(DATA) - {"purchase", *_RARE, *_PERSONAL, *OF_ORDERS, *REQUESTS, *ASKED, *POINTS}))


def _words(random: Random) -> tuple[str, Data]:
    """Something about a person that not every customer tells."""
    channels = random.sample(CHANNELS, random.randint(0, 2))
    consent = {"marketing": random.random() < 0.6, "channels": channels}
    evidence = {"source": "account page", "wording": "w-1", "basis": "consent", "confirmed": True}
    return random.choice(
        (
            ("consent_changed", consent),
            ("consent_changed", {**consent, **evidence, "expires": "2000-05-01T00:00:00Z"}),
            ("consent_changed", {"marketing": random.random() < 0.5, "purpose": "profiling"}),
            ("consent_changed", {"marketing": random.random() < 0.5, "purpose": "conversation", "evidence": "e-1"}),
            ("preferences_updated", {"max_per_week": 0, "silent_until": "2000-03-01T00:00:00Z"}),
            ("profile_updated", {"birthday": random.choice(("1950-05-01", "1982-03-01")), "language": "nl"}),
            ("profile_updated", {"account": "acc-7", "role": "buyer", "country": "NL"}),
            ("purchase", {"amount": 20, "topic": random.choice(("tea", "coffee"))}),
            ("search", {"query": "beans", "topic": random.choice(("tea", "coffee"))}),
            *((kind, DATA[kind](random)) for kind in _PERSONAL),
        )
    )


def touchpoint(kind: str, customer: str, time: int, data: Data | None = None, id: str | None = None) -> bytes:
    """An event's bytes; its id follows from kind and time unless given."""
    return event(kind, id=id or f"{kind}-{time}", source=SOURCE, subject=customer, time_ms=time, data=data or {})


def clock(time: int) -> bytes:
    return event("clock", id=f"clock-{time}", source=SOURCE, subject=None, time_ms=time, data={})


def chosen(time: int, model: str | None) -> bytes:
    """An operator's choice of the champion, as `retention models` writes it."""
    return event(
        "model_chosen",
        id=f"chosen-{time}",
        source=SOURCE,
        subject=None,
        time_ms=time,
        data={"model": model, "by": "ada"},
    )


def choosing(log: Sequence[LogRecord], choices: Iterable[tuple[int, str | None]]) -> list[LogRecord]:
    """A partition into which operators wrote: (time, model) each; a choice stands behind what is not later."""
    return inserted(log, [(time, chosen(time, model)) for time, model in choices])


def chosen_settings(time: int, number: int, at: int | None = None, **changes: int | float) -> bytes:
    """An operator's settings, as `retention settings apply` writes them; `changes` are those that tests start from."""
    data = {"number": number, "enter": 0.5, "exit": 0.4, "trigger_life": 3 * DAY, "duplicate_window": 0, **changes}
    return event(
        "settings_chosen",
        id=f"settings-{number}-{time}",
        source=SOURCE,
        subject=None,
        time_ms=time,
        data={**data, **({"at": at} if at else {}), "by": "ada"},
    )


def chosen_policy(time: int, number: int, text: str, **changes: Any) -> bytes:
    """An operator's policy, as `retention policy apply` writes it; `changes` are of the record."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    data = {"number": number, "format": 1, "sha256": digest, "text": text, "by": "ada", "reason": "a try", **changes}
    return event("policy_chosen", id=f"policy-{number}-{time}", source=SOURCE, subject=None, time_ms=time, data=data)


def stopped(time: int, number: int, **selectors: Any) -> bytes:
    """What an operator stops, as `retention stop` writes it."""
    data = {"number": number, **selectors, "by": "ada", "reason": "a try"}
    return event("stopped", id=f"stop-{number}-{time}", source=SOURCE, subject=None, time_ms=time, data=data)


def resumed(time: int, *numbers: int) -> bytes:
    """Stops that an operator ends, as `retention resume` writes it."""
    data = {"stops": list(numbers), "by": "ada"}
    return event("resumed", id=f"resume-{numbers}-{time}", source=SOURCE, subject=None, time_ms=time, data=data)


def inserted(log: Sequence[LogRecord], records: Iterable[tuple[int, bytes]]) -> list[LogRecord]:
    """A partition into which operators wrote: (time, value) each, behind what is not later."""
    entries = [(entry.timestamp, entry.key, entry.value) for entry in log]
    for time, value in records:
        at = next((n for n, entry in enumerate(entries) if entry[0] > time), len(entries))
        entries.insert(at, (time, None, value))
    return log_of(entries)


def record(offset: int, timestamp: int, key: bytes | None, value: bytes | None) -> LogRecord:
    return LogRecord(offset, timestamp, key, value)


def log_of(entries: Iterable[tuple[int, bytes | None, bytes | None]], first: int = 0) -> list[LogRecord]:
    """One partition from (timestamp, key, value), offsets from `first` on."""
    return [record(first + i, timestamp, key, value) for i, (timestamp, key, value) in enumerate(entries)]


def told(kind: str, customer: str, time: int, data: Data | None = None, **more: Any) -> tuple[int, bytes, bytes]:
    """A good record that arrives at `at` (keyword; default: when it happens)."""
    at = more.pop("at", time)
    return at, customer.encode(), touchpoint(kind, customer, time, data, **more)


def ticking(time: int) -> tuple[int, None, bytes]:
    return time, None, clock(time)


def bad_values(customer: str, time: int) -> dict[str, bytes | None]:
    """A value for every code of dead letter that reading gives."""
    good = json.loads(touchpoint("purchase", customer, time, {"amount": 5}))

    def changed(**fields: Any) -> bytes:
        return json.dumps({**good, **fields}).encode()

    return {
        "empty": None,
        "oversize": b" " * (MAX_EVENT_BYTES + 1),
        "not_json": b'{"type": "purchase"',
        "not_an_object": b"[1, 2]",
        "unknown_type": changed(type="purchased"),
        "missing_field": changed(data={}),
        "bad_field": changed(data={"amount": -5}),
        "impossible_time": changed(time="1970-01-01T00:00:00Z"),
    }


def _purchase_times(random: Random, days: int) -> list[float]:
    """Days on which one customer buys: regular, bursty, fading, once, or never."""
    rhythm = random.choice(("regular", "bursty", "fading", "fading", "once", "never"))
    if rhythm == "never":
        return []
    day, times = random.uniform(0, days / 2), []
    gap, growth, stop = random.uniform(4, 20), 1.0, days
    if rhythm == "fading":
        growth = 1.5
    if rhythm == "once":
        stop = 0
    if random.random() < 0.7:
        stop = int(stop * random.random())
    while True:
        times.append(day)
        if rhythm == "bursty" and random.random() < 0.5:
            times += [day + random.uniform(0, 0.3) for _ in range(random.randint(1, 3))]
        day += gap * random.lognormvariate(0, 0.4)
        gap *= growth
        if day >= stop:
            return [time for time in times if time < days]


def _customer_events(random: Random, customer: str, days: int) -> list[tuple[int, bytes, bytes]]:
    """(arrival, key, value) of one customer: mostly in time, some late, some ahead, some twice."""
    moments = [("purchase", day) for day in _purchase_times(random, days)]
    moments += [(random.choice(_OTHERS), random.uniform(0, days)) for _ in range(random.randint(0, 12))]
    moments += [(kind, random.uniform(0, days)) for kind in _RARE if random.random() < 0.15]
    told: list[tuple[int, bytes, bytes]] = []
    for number, (kind, day) in enumerate(moments):
        time = START + int(day * DAY)
        value = touchpoint(kind, customer, time, DATA[kind](random), id=f"{customer}:{number}")
        luck = random.random()
        delay = random.choice((0, random.randint(0, 5 * SECOND)))
        if luck < 0.06:
            delay = random.randint(2 * HOUR, 20 * DAY)  # late
        elif luck < 0.12:
            delay = -random.randint(1, 50 * MINUTE)  # the producer's clock is ahead
        told.append((max(time + delay, START), customer.encode(), value))
        if random.random() < 0.05:
            told.append((told[-1][0] + random.randint(0, HOUR), customer.encode(), value))
    own = Random(f"{customer} {len(told)}")
    for number in range(own.choice((0, 0, 1, 4))):
        kind, data = _words(own)
        time = START + int(own.uniform(0, days) * DAY)
        value = touchpoint(kind, customer, time, data, id=f"{customer}:own-{number}")
        delay = own.choice((0, own.randint(0, 5 * SECOND), own.randint(2 * HOUR, 20 * DAY)))
        told.append((time + delay, customer.encode(), value))
    return told


def tape(seed: int, partitions: int = 3, customers: int = 30, days: int = 150, tick: int = 7 * DAY) -> list[Entry]:
    """Everything, in the order of its arrival; a clock record to every partition at each tick and at the end."""
    random = Random(seed)
    entries: list[Entry] = []
    for number in range(customers):
        customer = f"c-{number:04d}" if number % 7 else f"Zoë-{number}"
        home = partition_of(customer, partitions)
        for timestamp, key, value in _customer_events(random, customer, days):
            entries.append(Entry(home, timestamp, key, value))
        if random.random() < 0.2:  # a producer with another partitioner, and one without keys
            time = START + random.randint(0, days * DAY)
            stray = f"stray-{number}"
            value = touchpoint("purchase", stray, time, {"amount": 9})
            entries.append(Entry((partition_of(stray, partitions) + 1) % partitions, time, stray.encode(), value))
            entries.append(Entry(partition_of(stray, partitions), time, None, value))
    for time in range(START + DAY, START + days * DAY, days * DAY // 3):
        for code, bad in bad_values("c-0001", time).items():
            entries.append(Entry(random.randrange(partitions), time + len(code), b"c-0001", bad))
    for number in range(math.ceil(days * DAY / tick) + 1):
        time = START + number * tick
        entries += [Entry(partition, time, None, clock(time)) for partition in range(partitions)]
    end = max(max(entry.timestamp for entry in entries), START + days * DAY) + tick
    entries += [Entry(partition, end, None, clock(end)) for partition in range(partitions)]
    # A little disorder: shard time is the running maximum, whatever timestamps do.
    return sorted(entries, key=lambda e: (e.timestamp + random.randint(0, MINUTE), e.value or b""))


def damaged(content: bytes) -> bytes:
    """The content compressed, of which nothing can be read: its first block is of a type that there isn't."""
    whole = bytearray(gzip.compress(content))
    whole[10] = 0x07
    return bytes(whole)


def partitioned(entries: Iterable[Entry], partitions: int) -> list[list[LogRecord]]:
    """The partitions as the engine reads them, offsets from 0."""
    logs: list[list[LogRecord]] = [[] for _ in range(partitions)]
    for entry in entries:
        log = logs[entry.partition]
        log.append(record(len(log), entry.timestamp, entry.key, entry.value))
    return logs


def synthetic(seed: int, partitions: int = 3, customers: int = 30, days: int = 150) -> list[list[LogRecord]]:
    """A tape as partitions."""
    return partitioned(tape(seed, partitions, customers, days), partitions)


def cut_at(log: Sequence[LogRecord], time: int) -> list[LogRecord]:
    """The log up to the first record later than `time`, without it."""
    kept: list[LogRecord] = []
    for entry in log:
        if entry.timestamp > time:
            break
        kept.append(entry)
    return kept


CHOICES = {"model_chosen", "settings_chosen", "policy_chosen", "stopped", "resumed"}
"""Types of what operators write."""
BETWEEN = {"identity_merged", "identity_moved", "touchpoint_forwarded", "shared_moment"}
"""Types of what shards say to each other, and by which two ids become one customer (tests/support/identities.py)."""
ALL_KINDS = frozenset(kind.type for kind in Kind) - {"clock"} - CHOICES - BETWEEN
if set(DATA) != ALL_KINDS:
    raise ImportError(f"kinds without example data: {ALL_KINDS ^ set(DATA)}")
