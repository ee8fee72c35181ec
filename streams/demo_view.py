"""What the demo shows: a worker's metrics as numbers, and those as lines."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from models.risk import Band
from streams.words import line, moment, quality

FETCH_TIMEOUT_S = 5.0
QUALITY = ("labels", "auc", "log_loss")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A worker's metrics at one moment.

    events: touchpoints applied, late ones included. bands: customers by band. fences: next offset by shard.
    time: the log time that every shard has reached, ms (None: not all shards have begun).
    """

    events: int
    triggers: int
    bands: Mapping[str, int]
    fences: Mapping[int, int]
    time: float | None
    quality: Mapping[str, float]

    @property
    def customers(self) -> int:
        return sum(self.bands.values())


def fetch(url: str, shards: int) -> Snapshot | None:
    """The metrics of a worker with all `shards`; None when it does not answer in time."""
    try:
        with urllib.request.urlopen(url, timeout=FETCH_TIMEOUT_S) as answer:
            return snapshot(answer.read().decode(), shards)
    except (urllib.error.URLError, OSError):
        return None


def snapshot(text: str, shards: int) -> Snapshot:
    """An exposition as numbers."""
    sums: dict[str, float] = defaultdict(float)
    bands: dict[str, int] = dict.fromkeys((band.name.lower() for band in Band), 0)
    fences: dict[int, int] = {}
    times: list[float] = []
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] += sample.value
            match sample.name:
                case "retention_customers":
                    bands[sample.labels["band"]] += int(sample.value)
                case "retention_fence_offset":
                    fences[int(sample.labels["shard"])] = int(sample.value)
                case "retention_shard_time_seconds":
                    times.append(sample.value * 1000)
    told = {name: sums[f"retention_model_{name}"] for name in QUALITY if sums[f"retention_model_{name}"]}
    applied = sums["retention_touchpoints_applied_total"] + sums["retention_touchpoints_late_total"]
    return Snapshot(
        events=int(applied),
        triggers=int(sums["retention_triggers_total"]),
        bands=bands,
        fences=fences,
        time=min(times) if len(times) == shards else None,
        quality=told,
    )


def progress(now: Snapshot, before: Snapshot | None, seconds: float) -> str:
    """One line: log time, events and their rate since `before`, customers by band, model quality."""
    rate = (now.events - before.events) / seconds if before is not None and seconds > 0 else 0.0
    reached = moment(now.time) if now.time is not None else "starting"
    return f"{reached:<10}  {now.events:>7,} events {rate:>7,.0f}/s  | {bands(now)} | {quality(now.quality)}"


def bands(now: Snapshot) -> str:
    """Customers by risk band; prospects and erased ones only where there are any."""
    shown = [
        f"{name.replace('_', ' ')} {count:,}"
        for name, count in now.bands.items()
        if count or name in ("safe", "watch", "at_risk", "lapsed")
    ]
    return "  ".join(shown)


def latest(triggers: Sequence[bytes], most: int) -> list[str]:
    """The last few triggers, with their reasons."""
    return [f"    trigger  {line(value)}" for value in triggers[-most:]]


def summary(now: Snapshot, log: str, written: int, published: int, seconds: float) -> list[str]:
    """What came out in the end. written: touchpoints replayed. published: triggers on the topic."""
    reached = moment(now.time) if now.time is not None else "nothing"
    return [
        "",
        f"{written:,} touchpoints of {log} written, {now.events:,} applied, log time {reached}, in {seconds:.0f} s "
        f"({now.events / max(seconds, 0.001):,.0f}/s)",
        f"customers  {now.customers:,}: {bands(now)}",
        f"triggers   {now.triggers:,} decided, {published:,} on the topic",
        f"model      {quality(now.quality)}; each predicted before its outcome was known",
    ]
