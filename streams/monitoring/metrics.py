"""Prometheus metrics of a worker, counted once per commit or transaction.

All state is in a `Metrics` object with a registry of its own, so that two workers (or tests) in one process do not mix.
Labels are bounded: shards, risk bands, models, and those of `label_values`; any other reason counts as ``other``. What
each series means, and which to alarm on, is in docs/operations.md; deploy/ has the rules and dashboard that use them.
"""

from __future__ import annotations

import platform
from collections.abc import Collection, Mapping, Sequence
from math import nan
from typing import Any

from msgspec import UNSET, UnsetType
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from models.customer.bands import Band
from models.loyalty.loop import STAGES
from models.timeline.shard_state import ShardState, Stages, Totals
from streams.errors import ExitCode
from streams.monitoring.decision_metrics import DecisionSeries, SharedSeries
from streams.monitoring.label_values import (
    DOUBTED,
    HELD,
    OTHER,
    PAUSES,
    REDELIVERIES,
    REJECTIONS,
    UNPUBLISHED,
    UNREADABLE,
)
from streams.monitoring.model_metrics import ContestSeries, ModelSeries
from streams.release import release

STORE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
SIZE_BUCKETS = (0, 1, 10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000)
BATCH_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LATENCY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)

_COUNTED: tuple[tuple[str, str, str], ...] = (
    ("applied", "retention_touchpoints_applied", "touchpoints that changed a customer's record, late ones included"),
    ("duplicate", "retention_touchpoints_duplicate", "touchpoints dropped because their id was seen already"),
    ("late", "retention_touchpoints_late", "of those applied: older than the allowed lateness"),
    ("skewed", "retention_touchpoints_skewed", "touchpoints whose event time lay after their record's timestamp"),
    ("dead", "retention_touchpoints_dead", "records that became dead letters"),
    ("due", "retention_due_items", "learning ticks, labels and lapses"),
    ("scored", "retention_scores", "estimates of churn risk"),
    ("episodes", "retention_episodes", "risk episodes opened"),
    ("triggers", "retention_triggers", "triggers decided"),
)
"""Field of `Totals`, name of the counter, its help."""


class Metrics:
    """The series of one worker. Every method is cheap and raises nothing.

    app, mode and partitions: what the worker was told, and how many shards there are in all (0: not known).
    """

    def __init__(self, app: str = "", mode: str = "", partitions: int = 0) -> None:
        # Else a second series per counter, with the time of its creation. (The library has not typed this function.)
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()

        def counter(name: str, help: str, *labels: str) -> Counter:
            return Counter(name, help, labels, registry=self.registry)

        def gauge(name: str, help: str, *labels: str) -> Gauge:
            return Gauge(name, help, labels, registry=self.registry)

        def histogram(name: str, help: str, buckets: Sequence[float]) -> Histogram:
            return Histogram(name, help, buckets=buckets, registry=self.registry)

        ProcessCollector(registry=self.registry)
        build = gauge("retention_build_info", "1; the release that runs", "version", "python_version")
        build.labels(release(), platform.python_version()).set(1)
        gauge("retention_worker_info", "1; application and mode of the worker", "app", "mode").labels(app, mode).set(1)
        gauge("retention_partitions", "shards there are in all").set(partitions)

        self._totals = {field: counter(name, help, "shard") for field, name, help in _COUNTED}
        self._unsure = counter(
            "retention_touchpoints_unsure",
            "touchpoints of which a record that has forgotten others can't tell whether they came before",
            "shard",
            "what",
        )
        self._left = counter("retention_customers_left", "records that left the store by rule", "shard")
        self._records = counter("retention_records", "records consumed from the input", "shard")
        self._commits = counter("retention_commits", "commits of a shard", "shard")
        self._commit_records = histogram("retention_commit_records", "records in one commit", SIZE_BUCKETS)
        self._batch_seconds = histogram("retention_commit_seconds", "one commit, from load to written", BATCH_BUCKETS)
        self._store_seconds = histogram("retention_store_seconds", "time in the store in one commit", STORE_BUCKETS)

        self._published = counter("retention_published", "outbox entries published", "shard")
        self._publish_seconds = histogram("retention_publish_seconds", "one transaction", BATCH_BUCKETS)
        self._publish_retries = counter(
            "retention_publish_retries", "transactions that failed, or whose outcome was not known", "shard"
        )
        self._latency = histogram(
            "retention_trigger_latency_seconds", "from a touchpoint's arrival to its published trigger", LATENCY_BUCKETS
        )

        self._next_offset = gauge("retention_next_offset", "next offset to apply", "shard")
        self._lag = gauge("retention_lag_records", "log end less next offset; may include transaction markers", "shard")
        self._held = gauge("retention_held_seconds", "how long an open transaction holds up the input", "shard")
        self._time = gauge("retention_shard_time_seconds", "log time a shard has reached", "shard")
        self._due = gauge("retention_due_backlog_items", "due before the newest record in hand, and not done", "shard")
        self._in_force = gauge("retention_shard_model_version_seconds", "boundary of the version in force", "shard")
        self._customers = gauge("retention_customers", "customers by risk band", "shard", "band")
        self._stages = gauge("retention_customers_at_stage", "customers by stage of the loyalty loop", "shard", "stage")
        self._outbox = gauge("retention_outbox_entries", "entries decided but not yet published", "shard")
        self._paused = gauge("retention_paused", "1 while a shard with work stands still", "shard", "reason")
        self._policy = gauge("retention_shard_policy_seconds", "when the policy in force was applied, or 0", "shard")
        self._parked = gauge("retention_shard_parked", "1 while a shard can't go on; tried again", "shard", "error")
        self._owned = gauge("retention_owned_shards", "shards this worker owns")
        self._rejections = counter("retention_fencing_rejections", "refused writes and fenced producers", "reason")
        self._redeliveries = counter("retention_redeliveries", "delivered a second time, and recognised", "what")
        for series, values in ((self._rejections, (*REJECTIONS, OTHER)), (self._redeliveries, REDELIVERIES)):
            for value in values:
                series.labels(value)  # shown at 0, so that the first one is an increase
        self._takeovers = counter("retention_takeovers", "times this worker took a shard over", "shard")
        self._store_retries = counter("retention_store_retries", "calls of the store that failed by an outage")

        self._learns = gauge("retention_owned_learner", "1 on the worker that learns")
        self._trouble = gauge("retention_learner_stands_still", "1 while this worker's learner can't go on")
        self._model, self._contest = ModelSeries(), ContestSeries()
        for collector in (self._model, self._contest):
            self.registry.register(collector)
        self.decisions, self._shared = DecisionSeries(self.registry), SharedSeries(self.registry)
        known = (self._next_offset, self._lag, self._held, self._time, self._outbox, self._due, self._in_force)
        self._by_shard = (*known, self._policy)
        self._counted_by_shard = (
            *self._totals.values(),
            self._left,
            self._records,
            self._commits,
            self._published,
            self._publish_retries,
        )
        self._pauses: dict[int | str, str] = {}
        self._parks: dict[int | str, str] = {}
        self._unpublished: set[int] = set()
        self._shards: set[int] = set()
        self._staged: set[int] = set()

    def taken_over(self, shard: int, state: ShardState) -> None:
        """This worker has taken a shard over, and found it so."""
        self._shards.add(shard)
        for series in self._counted_by_shard:
            series.labels(str(shard))  # shown at 0, so that the first one is an increase
        self.doubted(shard, 0, 0)
        # A parked shard is taken over at each try: that is no group that does not settle.
        self._takeovers.labels(str(shard)).inc(shard not in self._parks)
        self.state(shard, state)

    def state(self, shard: int, state: ShardState) -> None:
        """Where a shard stands after a takeover or a commit."""
        self.customers(shard, state.bands, state.stages)
        self.next_offset(shard, state.next_offset, None, state.time)
        self._policy.labels(str(shard)).set(0 if state.policy is UNSET else state.policy.number / 1000)
        self._shared.state(shard, state)
        if state.version >= 0:  # the untrained model has no boundary
            self._in_force.labels(str(shard)).set(state.version / 1000)

    def committed(
        self, shard: int, before: Totals, after: Totals, records: int, seconds: float, store_seconds: float
    ) -> None:
        """Count a commit.

        Args:
            shard: its number.
            before, after: the shard's totals.
            records: consumed by the commit.
            seconds: from load to written.
            store_seconds: spent in Redis.
        """
        label = str(shard)
        for field, series in self._totals.items():
            series.labels(label).inc(max(0, _counted(after, field) - _counted(before, field)))
        self._records.labels(label).inc(records)
        self._commits.labels(label).inc()
        self._commit_records.observe(records)
        self._batch_seconds.observe(seconds)
        self._store_seconds.observe(store_seconds)

    def doubted(self, shard: int, unsure: int, beyond: int) -> None:
        """Touchpoints that may have come before. unsure: that were applied. beyond: that were taken for duplicates."""
        for taken, count in zip(DOUBTED, (unsure, beyond), strict=True):
            self._unsure.labels(str(shard), taken).inc(count)

    def left(self, shard: int, customers: int) -> None:
        """The records of so many customers have left the store."""
        self._left.labels(str(shard)).inc(customers)

    def customers(self, shard: int, bands: Sequence[int], stages: Stages | UnsetType = UNSET) -> None:
        """How many customers of a shard are in each band, in the order of `models.decisions.episodes.Band`, and at each
        stage of the loyalty loop; NaN: nobody can say. Where nobody ever was at one nothing is told of them."""
        for band, count in zip(Band, bands, strict=False):
            self._customers.labels(str(shard), band.name.lower()).set(count)
        if stages is not UNSET:
            self._staged.add(shard)
        if shard in self._staged:
            counts: Sequence[float] = (0,) * len(STAGES) if stages is UNSET else stages or (nan,) * len(STAGES)
            for stage, customers in zip(STAGES, counts, strict=True):
                self._stages.labels(str(shard), stage).set(customers)

    def published(self, shard: int, entries: int, seconds: float, latencies_s: Sequence[float]) -> None:
        """A transaction stands. `latencies_s`: of the triggers in it."""
        self._published.labels(str(shard)).inc(entries)
        self._publish_seconds.observe(seconds)
        for latency in latencies_s:
            self._latency.observe(latency)

    def publish_retry(self, shard: int) -> None:
        """A transaction failed, or nobody knows: its entries are compared with what is public, and sent again."""
        self._publish_retries.labels(str(shard)).inc()

    def outbox(self, shard: int, entries: int) -> None:
        """How many entries wait in a shard's outbox."""
        self._outbox.labels(str(shard)).set(entries)

    def due_backlog(self, shard: int, items: int) -> None:
        """How many due items stand before the newest record that the shard has in hand."""
        self._due.labels(str(shard)).set(items)

    def redelivered(self, what: str, times: int) -> None:
        """Something came a second time, and was recognised. what: one of `REDELIVERIES`."""
        self._redeliveries.labels(what).inc(times)

    def store_retry(self) -> None:
        """A call of the store failed by an outage; whoever made it makes it again."""
        self._store_retries.inc()

    def next_offset(self, shard: int, next_offset: int, log_end: int | None, shard_time_ms: int) -> None:
        """Where a shard stands. log_end: None when it is not known at the moment."""
        label = str(shard)
        self._next_offset.labels(label).set(next_offset)
        if log_end is not None:
            self._lag.labels(label).set(max(0, log_end - next_offset))
        if shard_time_ms >= 0:
            self._time.labels(label).set(shard_time_ms / 1000)

    def fencing_rejection(self, reason: str) -> None:
        """A write was refused, or a producer fenced: one of `REJECTIONS`."""
        self._rejections.labels(reason if reason in REJECTIONS else OTHER).inc()

    def version(self, boundary: int, quality: Mapping[str, Any], choice: Mapping[str, Any] | None = None) -> None:
        """A model version was published, or became active. boundary in ms of log time; quality as of a `Version`, and
        choice, where it has one."""
        self._model.version(boundary, quality)
        self._contest.quality, self._contest.choice = quality, choice or {}

    def learns(self, here: bool) -> None:
        """Whether the learner runs in this worker. What stood about the model is otherwise another worker's to say."""
        self._learns.set(here)
        if not here:
            self._model.values, self._contest.quality, self._contest.choice = {}, {}, {}

    def learner_trouble(self, stands_still: bool) -> None:
        """The learner of this worker can't go on, or can again."""
        self._trouble.set(stands_still)

    def paused(self, shard: int | str, reason: str | None) -> None:
        """A shard that has work, or the learner, stands still (one of `PAUSES`), or goes on (None).

        `UNPUBLISHED` is the learner's alone to be paused by: a shard says it by `unpublished`.
        """
        before = self._pauses.get(shard)
        now = None if reason is None else reason if reason in PAUSES else OTHER
        if before == now:
            return
        if before is not None:
            self._paused.labels(str(shard), before).set(0)
            del self._pauses[shard]
        if now is not None:
            self._paused.labels(str(shard), now).set(1)
            self._pauses[shard] = now

    def parked(self, shard: int | str, error: ExitCode | None) -> None:
        """A shard, or the learner, is parked over an error of this code; None: it is no more."""
        before, now = self._parks.pop(shard, None), None if error is None else error.name.lower()
        if before not in (None, now):
            _forget(self._parked, str(shard), str(before))
        if now is not None:
            self._parked.labels(str(shard), now).set(1)
            self._parks[shard] = now

    def unpublished(self, shard: int, stands_still: bool) -> None:
        """The publishing of a shard's outputs stands still, or goes on; whatever `paused` says of its work."""
        if stands_still == (shard in self._unpublished):
            return
        self._paused.labels(str(shard), UNPUBLISHED).set(stands_still)
        (self._unpublished.add if stands_still else self._unpublished.discard)(shard)

    def held(self, shard: int, seconds: float) -> None:
        """For how long an open transaction of a producer has held up the shard's input; 0 when none does."""
        self._held.labels(str(shard)).set(seconds)
        self._paused.labels(str(shard), HELD).set(seconds > 0)

    def unreadable(self, shard: int, so: bool) -> None:
        """Whether a shard's input can't be read."""
        self._paused.labels(str(shard), UNREADABLE).set(so)

    def owned(self, shards: Collection[int]) -> None:
        """The shards of this worker from now on. What stood about others is the new owner's to say."""
        for shard in self._shards - set(shards):
            self.paused(shard, None)
            self.unpublished(shard, False)
            self._shared.left(shard)
            for series in self._by_shard:
                _forget(series, str(shard))
            for band in Band:
                _forget(self._customers, str(shard), band.name.lower())
            self._staged.discard(shard)
            for stage in STAGES:
                _forget(self._stages, str(shard), stage)
            for reason in (*PAUSES, OTHER):
                _forget(self._paused, str(shard), reason)
        self._shards = set(shards)
        self._owned.set(len(self._shards))

    def text(self) -> bytes:
        """The exposition in Prometheus's text format."""
        return generate_latest(self.registry)


def _counted(totals: Totals, field: str) -> int:
    """What the engine counts apart from the applied ones is applied, too, when it is late."""
    count: int = getattr(totals, field)
    return count + totals.late if field == "applied" else count


def _forget(series: Gauge, *labels: str) -> None:
    series.remove(*labels)
