"""The workload: customers with a history of purchases, then one day of mixed touchpoints. Deterministic.

The history (`HISTORY_DAYS` of log time) is the warm start: it goes through the engine unmeasured, so that the measured
day finds records, a trained model, open labels and due ticks. The day holds `events` touchpoints of 36 types by
customers whose activity follows Zipf's law, with a few events that come late or twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.mix import Type, mix
from models.settings import DAY, HOUR, SECOND
from models.timeline.partitioning import partition_of
from models.touchpoints import event
from streams.history.replay import TapeRecord
from tests.support.logs import chosen_policy

DAY_BEGINS = 1_772_409_600_000
"""2026-03-02T00:00:00Z, ms."""
HISTORY_DAYS = 70
HORIZON_DAYS = 28.0
"""Shorter than the history, so that labels mature in it and the day is scored by a model that has learned."""
VERSION_EVERY_S = 21_600.0
"""Four model versions in the measured day: 250,000 events for each. At a rate at which a backlog of this size builds up
within hours, the hourly versions of the default would be further apart than that."""

MOST_PURCHASES = 12
ZIPF_SHIFT = 50
"""Zipf-Mandelbrot: the busiest customer makes .24 % of all touchpoints rather than 8 %."""
LATE, TWICE = 0.0005, 0.001
CHUNK = 50_000

CONTENT_TYPE = b'"datacontenttype":"application/json","dataschema":"https://schema.example/touchpoints/2",'
"""Optional attributes that many CloudEvents carry, as `traceparent`; an event has about 385 bytes."""


class Workload(msgspec.Struct, frozen=True, dict=True):
    """customers: all of them have a history. events: of the day. seed: of everything. policy: the text of the one in
    force from the beginning of the history; empty: none is."""

    customers: int = 200_000
    events: int = 1_000_000
    partitions: int = 4
    seed: int = 20_260_302
    policy: str = ""

    @cached_property
    def keys(self) -> list[bytes]:
        """Customer ids by number."""
        return [b"c-%08d" % number for number in range(self.customers)]

    @cached_property
    def homes(self) -> list[int]:
        """The partition of each customer."""
        return [partition_of(key, self.partitions) for key in self.keys]

    def settings(self) -> dict[str, Any]:
        """The engine's settings that belong to this log; all others keep their defaults."""
        return {
            "mode": "replay",
            "partitions": self.partitions,
            "horizon_days": HORIZON_DAYS,
            "tick_anchor": datetime.fromtimestamp(DAY_BEGINS / SECOND, UTC),
            "version_every_s": VERSION_EVERY_S,
            "version_delay_s": VERSION_EVERY_S,
        }

    @cached_property
    def purchases(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(customer number, time in ms) of every purchase of the history, in order of time."""
        rng = np.random.default_rng([self.seed, 1])
        n, span = self.customers, HISTORY_DAYS * DAY
        gap = 12 * DAY * rng.lognormal(0.0, 0.8, n)
        first = rng.uniform(0, 0.75 * span, n)
        # Some leave for good after a while; nobody tells us.
        leaves = first + rng.exponential(40 * DAY, n)
        gaps = rng.exponential(1.0, (n, MOST_PURCHASES)) * gap[:, None]
        gaps[:, 0] = 0.0
        times = first[:, None] + np.cumsum(gaps, axis=1)
        kept = times < np.minimum(leaves, span)[:, None]
        kept[:, 0] = True
        customer = np.broadcast_to(np.arange(n)[:, None], times.shape)[kept]
        at = times[kept].astype(np.int64) + DAY_BEGINS - span
        order = np.argsort(at, kind="stable")
        return customer[order], at[order]

    def history(self) -> Iterator[TapeRecord]:
        """The policy, and the purchases, with clock records at each version boundary up to the day's beginning."""
        customer, at = self.purchases
        rng = np.random.default_rng([self.seed, 2])
        bought = [kind for kind in mix(self.seed) if kind.name == "purchase"]
        first = DAY_BEGINS - HISTORY_DAYS * DAY
        boundaries = range(first, DAY_BEGINS + 1, int(VERSION_EVERY_S * SECOND))
        if self.policy:
            value = chosen_policy(first, 1, self.policy)
            yield from (TapeRecord(partition, first, None, value) for partition in range(self.partitions))
        yield from self.with_clocks(self.events_of(rng, bought, np.zeros(len(at), np.int64), customer, at), boundaries)

    def day(self) -> Iterator[TapeRecord]:
        """The measured day, with a clock record for every partition at each hour; at its end one more second."""
        rng = np.random.default_rng([self.seed, 3])
        kinds = mix(self.seed)
        weights = np.array([kind.weight for kind in kinds])
        which = rng.choice(len(kinds), self.events, p=weights / weights.sum())
        shares = np.cumsum(1.0 / (np.arange(self.customers) + ZIPF_SHIFT))
        ranks = np.searchsorted(shares, rng.random(self.events) * shares[-1])
        customer = rng.permutation(self.customers)[ranks]
        at = DAY_BEGINS + np.sort(rng.integers(1, DAY, self.events))
        hours = [*range(DAY_BEGINS + HOUR, DAY_BEGINS + DAY + 1, HOUR), DAY_BEGINS + DAY + SECOND]
        yield from self.with_clocks(self.events_of(rng, kinds, which, customer, at), hours)

    def silence(self, days: int) -> Iterator[TapeRecord]:
        """Instead of the day: nobody does anything, only time passes."""
        step = int(VERSION_EVERY_S * SECOND)
        yield from self.with_clocks([], range(DAY_BEGINS + step, DAY_BEGINS + days * DAY + 1, step))

    def events_of(
        self,
        rng: np.random.Generator,
        kinds: Sequence[Type],
        which: NDArray[np.int64],
        customer: NDArray[np.int64],
        at: NDArray[np.int64],
    ) -> Iterator[TapeRecord]:
        """One event for each of (type, customer, log time), and here and there one more."""
        keys, homes = self.keys, self.homes
        heads = [
            b'{"specversion":"1.0","type":"%b","source":"%b","id":"' % (kind.name.encode(), kind.source.encode())
            for kind in kinds
        ]
        for first in range(0, len(at), CHUNK):
            part = slice(first, first + CHUNK)
            rows = len(at[part])
            variants = rng.integers(0, len(kinds[0].data), rows).tolist()
            happened = at[part] - rng.exponential(2 * SECOND, rows).astype(np.int64)
            happened[rng.random(rows) < LATE] -= 2 * HOUR
            twice = (rng.random(rows) < TWICE).tolist()
            stamps = np.datetime_as_string(happened.astype("datetime64[ms]"), unit="ms").tolist()
            unique = rng.bytes(40 * rows).hex().encode()
            for row, (kind, who, time) in enumerate(
                zip(which[part].tolist(), customer[part].tolist(), at[part].tolist(), strict=True)
            ):
                name = unique[80 * row : 80 * row + 80]
                value = b'%b%b-%b","subject":"%b","time":"%bZ",%b"traceparent":"00-%b-%b-01","data":%b}' % (
                    *(heads[kind], name[:8], name[8:32], keys[who], stamps[row].encode(), CONTENT_TYPE),
                    *(name[32:64], name[64:80], kinds[kind].data[variants[row]]),
                )
                record = TapeRecord(homes[who], time, keys[who], value)
                yield record
                if twice[row]:
                    yield record

    def with_clocks(self, records: Iterable[TapeRecord], at: Sequence[int]) -> Iterator[TapeRecord]:
        """The records, and among them a clock record for every partition at each of these moments (ms)."""
        moments = iter(at)
        moment = next(moments, None)
        for record in records:
            while moment is not None and moment <= record.time:
                yield from self._clocks(moment)
                moment = next(moments, None)
            yield record
        while moment is not None:
            yield from self._clocks(moment)
            moment = next(moments, None)

    def _clocks(self, time: int) -> Iterator[TapeRecord]:
        source = "retention/benchmark"
        value = event("clock", id=f"clock-{time}", source=source, subject=None, time_ms=time, data={"by": source})
        for partition in range(self.partitions):
            yield TapeRecord(partition, time, None, value)

    def histories(self) -> Iterator[tuple[bytes, list[int]]]:
        """What the history says of each customer: (id, times of purchase in ms). Warms the peer."""
        customer, at = self.purchases
        order = np.argsort(customer, kind="stable")
        times = at[order].tolist()
        starts = np.searchsorted(customer[order], np.arange(self.customers + 1)).tolist()
        for key, (start, end) in zip(self.keys, pairwise(starts), strict=True):
            yield key, times[start:end]
