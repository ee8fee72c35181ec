"""Busy logs for a policy, and what a messaging service would have reported of triggers: the same log with these reports
in it, for the next run over it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, Final

from models.outputs import Trigger
from models.settings import DAY, HOUR, MINUTE
from models.timeline.batch import LogRecord
from models.timeline.partitioning import partition_of
from models.touchpoints import event
from tests.support.logs import START
from tests.support.shop_of_one import something

Told = list[tuple[int, str, dict[str, Any]]]
FAILURES: Final = ("hard", "soft", "blocked", "no_address", "refused_by_sender")


def reports(trigger: Trigger, random: Random) -> Told:
    """Time, type and data of what is reported: as a rule that it arrived, and sometimes what else may happen, more than
    once, too late and in a wrong order."""
    sent = max(trigger.time, trigger.not_before) + random.randrange(MINUTE, 4 * HOUR)
    of = {"trigger_id": trigger.id, "channel": trigger.channel}
    chance, told = random.random(), Told()
    if chance < 0.12:
        return told
    if chance < 0.22:
        return [(trigger.expires_at + random.randrange(HOUR), "expired_unsent", {"trigger_id": trigger.id})]
    if chance < 0.30:
        told = [(sent, "offer_withdrawn", of)]
        return told if chance < 0.28 else [*told, (sent + HOUR, "offer_delivered", of)]
    if chance < 0.38:
        return [(sent, "offer_failed", {**of, "failure": random.choice(FAILURES)})]
    told = [(sent, "offer_sent", of), (sent + random.randrange(MINUTE, 3 * DAY), "offer_delivered", of)]
    then = told[-1][0] + random.randrange(MINUTE, 5 * DAY)
    after = random.choice(("offer_opened", "offer_accepted", "offer_declined", "spam_reported", "coupon", "again", ""))
    if after == "coupon":
        told.append((then, "coupon_redeemed", {"coupon_id": trigger.coupon or trigger.id}))
    elif after == "again":
        told.append((then, random.choice(("offer_withdrawn", "expired_unsent")), {"trigger_id": trigger.id}))
    elif after:
        told.append((then, after, of))
    return told


def busy(seed: int, partitions: int, customers: int, days: int, start: int = START) -> list[list[LogRecord]]:
    """Partitions of customers who do something every few days, of what a policy asks for; the first record of each is
    the clock's, and there is one a day."""
    random = Random(seed)
    came: list[list[tuple[int, bytes | None, bytes]]] = [[] for _ in range(partitions)]
    for day in range(days + 1):
        time = start + day * DAY
        clock = event("clock", id=f"clock-{time}", source="clock", subject=None, time_ms=time, data={})
        for found in came:
            found.append((time, None, clock))
    for customer in (f"c-{number}" for number in range(customers)):
        key, time, number = customer.encode(), start + random.randrange(20 * DAY), 0
        pace = random.choice((1, 3, 9)) * DAY
        while (time := time + int(random.expovariate(1 / pace)) + 1) < start + days * DAY:
            kind, data = ("purchase", {"amount": 20}) if number < 3 else something(random, ())
            at = time - random.choice((0, 0, 0, MINUTE, 2 * HOUR))
            value = event(kind, id=f"{customer}-{number}", source="shop", subject=customer, time_ms=at, data=data)
            came[partition_of(key, partitions)].append((time, key, value))
            number += 1
    return [_log(found) for found in came]


def with_policy(log: Sequence[LogRecord], text: str, number: int = 1, at: int = 0) -> list[LogRecord]:
    """The log with a policy's record: before the first record that is not older than `at`."""
    place = next((n for n, record in enumerate(log) if record.timestamp >= at), len(log))
    time = log[min(place, len(log) - 1)].timestamp
    data = {"number": number, "format": 1, "sha256": hashlib.sha256(text.encode()).hexdigest(), "text": text}
    value = event("policy_chosen", id=f"policy-{number}", source="cli", subject=None, time_ms=time, data=data)
    came = [(record.timestamp, record.key, record.value) for record in log]
    return [LogRecord(n, *record) for n, record in enumerate([*came[:place], (time, None, value), *came[place:]])]


def _log(came: Iterable[tuple[int, bytes | None, bytes | None]]) -> list[LogRecord]:
    """In the order of time."""
    return [LogRecord(n, *record) for n, record in enumerate(sorted(came, key=lambda record: record[0]))]


def answered(log: Sequence[LogRecord], triggers: Iterable[Trigger], seed: int) -> list[LogRecord]:
    """The partition's log with reports on these triggers. Those after its end are left out."""
    came = [(record.timestamp, record.key, record.value) for record in log]
    end = came[-1][0]
    for trigger in triggers:
        for number, (time, kind, data) in enumerate(reports(trigger, Random(f"{seed} {trigger.id}"))):
            if time < end:
                name = f"{trigger.id}-{number}"
                value = event(kind, id=name, source="sender", subject=trigger.customer, time_ms=time, data=data)
                came.append((time, trigger.customer.encode(), value))
    return _log(came)
