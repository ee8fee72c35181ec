"""Parses a worker's Prometheus exposition into numbers.

Tolerant of absence: a worker of another release, or one that has only begun, lacks some series; what is not told is
None or not in the mapping, never 0.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from models.customer.bands import Band

MS = 1000
HELD = ("held", "waits")
"""What came of a moment that a gate held, for good or for a time."""
QUALITY = ("labels", "auc", "log_loss", "brier", "churn_rate", "mean_predicted")
COUNTED: Mapping[str, str] = {
    "retention_touchpoints_applied_total": "applied",
    "retention_touchpoints_late_total": "late",
    "retention_touchpoints_duplicate_total": "duplicate",
    "retention_touchpoints_dead_total": "dead",
    "retention_triggers_total": "triggers",
    "retention_redeliveries_total": "redelivered",
}
"""Counter, and what it is called here; summed over its labels."""

_OF_A_SHARD: Mapping[str, tuple[str, int]] = {
    "retention_lag_records": ("lag", 1),
    "retention_next_offset": ("next_offset", 1),
    "retention_outbox_entries": ("outbox", 1),
    "retention_due_backlog_items": ("due", 1),
    "retention_shard_time_seconds": ("time", MS),
}
"""Gauge of a shard, the field that takes it, and the factor between them."""

Buckets = Mapping[float, float]
"""Upper bound in seconds (inf: all) to how many observations were not above it."""


STOP: Final = "stop "
"""How a stop is told beside the alarms, before its number."""


@dataclass(slots=True)
class ShardNumbers:
    """What the owner of a shard says of it. time: log time reached, ms. paused: why it stands still. parked: over which
    error it can't go on. uncounted: nobody can say how many of its customers are at which stage. budgets: by name, its
    units that are allowed, reserved and unmet. alarms: those that hold, and what operators have stopped."""

    lag: int | None = None
    next_offset: int | None = None
    outbox: int | None = None
    due: int | None = None
    time: int | None = None
    paused: str = ""
    parked: str = ""
    bands: dict[str, int] = field(default_factory=dict)
    stages: dict[str, int] = field(default_factory=dict)
    uncounted: bool = False
    budgets: dict[str, dict[str, int]] = field(default_factory=dict)
    alarms: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Numbers:
    """One exposition.

    counts: by the names in `COUNTED`. decided: by a policy, by what came of it. held: by the gate that did. latency,
    commits: cumulative buckets.
    version: log time of the newest model, ms. champion: name of the model that decides, "" where it is not told;
    pinned: an operator chose it. partitions: shards there are in all. memory: resident bytes. app, mode: what the
    worker was told.
    """

    counts: dict[str, float] = field(default_factory=dict)
    decided: dict[str, float] = field(default_factory=dict)
    held: dict[str, float] = field(default_factory=dict)
    shards: dict[int, ShardNumbers] = field(default_factory=dict)
    latency: dict[float, float] = field(default_factory=dict)
    commits: dict[float, float] = field(default_factory=dict)
    quality: dict[str, float] = field(default_factory=dict)
    version: int | None = None
    champion: str = ""
    pinned: bool = False
    partitions: int | None = None
    memory: int | None = None
    app: str = ""
    mode: str = ""

    @property
    def events(self) -> int:
        """Touchpoints applied, late ones included."""
        return int(self.counts.get("applied", 0))


def numbers(text: str) -> Numbers:
    """Read an exposition in Prometheus's text format. Raises ValueError when it is none."""
    found = Numbers()
    shards: dict[int, ShardNumbers] = defaultdict(ShardNumbers)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not math.isnan(sample.value):
                _take(found, shards, sample)
            elif sample.name == AT_STAGE:
                shards[int(sample.labels["shard"])].uncounted = True
    if not found.quality.get("labels"):  # a model that nothing was measured of yet has no quality, not one of 0
        found.quality = {}
    found.shards = dict(sorted(shards.items()))
    return found


def _take(found: Numbers, shards: Mapping[int, ShardNumbers], sample: Sample) -> None:
    name, labels, value = sample.name, sample.labels, sample.value
    if name in COUNTED:
        found.counts[COUNTED[name]] = found.counts.get(COUNTED[name], 0) + value
    elif name == "retention_decisions_total":
        found.decided[labels["what"]] = found.decided.get(labels["what"], 0) + value
        if labels["what"] in HELD:
            found.held[labels["gate"]] = found.held.get(labels["gate"], 0) + value
    elif name in _OF_A_SHARD:
        what, factor = _OF_A_SHARD[name]
        setattr(shards[int(labels["shard"])], what, round(value * factor))
    elif name == "retention_customers":
        shards[int(labels["shard"])].bands[labels["band"]] = int(value)
    elif name == AT_STAGE:
        shards[int(labels["shard"])].stages[labels["stage"]] = int(value)
    elif name == "retention_budget_units":
        shards[int(labels["shard"])].budgets.setdefault(labels["budget"], {})[labels["what"]] = int(value)
    elif name == "retention_alarm":
        if value:
            shards[int(labels["shard"])].alarms.append(labels["what"])
    elif name == "retention_stopped":
        if value:
            shards[int(labels["shard"])].alarms.append(f"{STOP}{labels['stop']}")
    elif name == "retention_paused":
        if value and labels["shard"].isdigit():  # the learner may be named there, too
            shards[int(labels["shard"])].paused = labels["reason"]
    elif name == "retention_shard_parked":
        if value and labels["shard"].isdigit():
            shards[int(labels["shard"])].parked = labels["error"]
    elif name == "retention_trigger_latency_seconds_bucket":
        found.latency[float(labels["le"])] = value
    elif name == "retention_commit_seconds_bucket":
        found.commits[float(labels["le"])] = value
    elif name == "retention_model_version_seconds":
        found.version = round(value * MS) or None
    elif name == "retention_contest_champion":
        if value:
            found.champion = labels["model"]
    elif name == "retention_contest_pinned":
        found.pinned = bool(value)
    elif name == "retention_partitions":
        found.partitions = int(value) or None
    elif name == "retention_worker_info":
        found.app, found.mode = labels.get("app", ""), labels.get("mode", "")
    elif name == "process_resident_memory_bytes":
        found.memory = int(value)
    elif name.startswith("retention_model_") and (what := name.removeprefix("retention_model_")) in QUALITY:
        found.quality[what] = value


def quantile(buckets: Buckets, q: float) -> float | None:
    """The q-quantile in seconds, by linear interpolation within its bucket, as PromQL's histogram_quantile does.

    inf when it lies above the last finite bound, None when nothing was observed. `buckets` are cumulative.
    """
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0.0
    if total <= 0:
        return None
    rank, low, below = q * total, 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= rank and buckets[bound] > below:
            share = (rank - below) / (buckets[bound] - below)
            return low + (bound - low) * share if math.isfinite(bound) else math.inf
        low, below = bound, buckets[bound]
    return math.inf


AT_STAGE = "retention_customers_at_stage"
ALL_BANDS = tuple(band.name.lower() for band in Band)
ALWAYS_SHOWN = tuple(band.name.lower() for band in (Band.SAFE, Band.WATCH, Band.AT_RISK, Band.LAPSED))
"""Prospects and erased customers are shown only where there are any."""
