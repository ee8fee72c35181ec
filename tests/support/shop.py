"""A shop whose customers' hazards are known: they buy at random, by their own rate times what has happened to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp
from random import Random

import numpy as np

from models.settings import DAY
from models.timeline.batch import LogRecord
from models.timeline.partitioning import partition_of
from tests.support.logs import DATA, START, Data, clock, touchpoint

WEEK = 7 * DAY


@dataclass(frozen=True)
class Shop:
    """leaves: probability that a purchase is a customer's last. effects: by kind of touchpoint, the factor's logarithm
    that each one puts on the hazard, fading with a half-life of `lasts` days. often: those touchpoints a week. trouble:
    the factor's logarithm while a service case is open, as it is for three weeks or so. mood: the same for each point
    of sentiment in the customer's last call."""

    customers: int = 200
    weeks: int = 40
    leaves: float = 0.03
    effects: Mapping[str, float] = field(default_factory=dict)
    lasts: float = 40.0
    trouble: float = 0.0
    mood: float = 0.0
    often: float = 0.1
    seed: int = 1

    def events(self) -> list[tuple[int, str, str, Data]]:
        """(time, kind, customer, data), by time."""
        random, plain = np.random.default_rng(self.seed), Random(self.seed)
        found: list[tuple[int, str, str, Data]] = []
        days = 7 * self.weeks
        for number in range(self.customers):
            name, rate = f"c-{number:04d}", random.gamma(1.2, 0.06) + 0.005
            first = int(random.integers(0, days // 3))
            moved = dict.fromkeys(self.effects, 0.0)
            gone, closes, sentiment = False, 0, 0.0
            for day in range(first, days):
                for kind in self.effects:
                    moved[kind] *= 2.0 ** (-1.0 / self.lasts)
                    if random.random() < self.often / 7.0:
                        moved[kind] += 1.0
                        when = START + day * DAY + int(random.integers(0, DAY // 2))
                        found.append((when, kind, name, _data(kind, plain)))
                noon = START + day * DAY + DAY // 2
                if self.trouble and not closes and random.random() < self.often / 7.0:
                    closes = day + 10 + int(random.integers(0, 21))
                    found.append((noon, "case_opened", name, {"case_id": "T-1", "severity": "high"}))
                elif closes == day:
                    closes = 0
                    found.append((noon, "case_resolved", name, {"case_id": "T-1"}))
                if self.mood and random.random() < self.often / 7.0:
                    sentiment = round(float(random.uniform(-1.0, 1.0)), 2)
                    found.append((noon, "call", name, {"direction": "inbound", "sentiment": sentiment}))
                lasting = self.trouble * bool(closes) + self.mood * sentiment
                factor = exp(lasting + sum(effect * moved[kind] for kind, effect in self.effects.items()))
                if day == first or (not gone and random.random() < 1.0 - exp(-rate * factor)):
                    amount = round(float(random.lognormal(3.0, 0.7)), 2)
                    data: Data = {"amount": amount, "quantity": int(random.integers(1, 4))}
                    found.append((START + day * DAY + int(random.integers(DAY // 2, DAY)), "purchase", name, data))
                    gone = gone or random.random() < self.leaves
        return sorted(found, key=lambda event: event[0])

    def logs(self, partitions: int = 2) -> list[list[LogRecord]]:
        """Whole partitions, with clock records at each tick."""
        entries: list[tuple[int, int, int, bytes | None, bytes]] = []
        for number, (time, kind, customer, data) in enumerate(self.events()):
            value = touchpoint(kind, customer, time, data, id=str(number))
            entries.append((time, 1, partition_of(customer, partitions), customer.encode(), value))
        for week in range(self.weeks + 2):
            now = START + week * WEEK
            entries += [(now, 0, partition, None, clock(now)) for partition in range(partitions)]
        logs: list[list[LogRecord]] = [[] for _ in range(partitions)]
        for time, _, partition, key, value in sorted(entries, key=lambda entry: entry[:3]):
            logs[partition].append(LogRecord(len(logs[partition]), time, key, value))
        return logs


def _data(kind: str, random: Random) -> Data:
    if kind == "presence":
        return {"state": "online", "channel": "web"}
    return DATA[kind](random)
