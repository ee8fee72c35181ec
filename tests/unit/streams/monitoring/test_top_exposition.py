"""What a worker's metrics say, as numbers: also those of a worker that tells less than today's."""

from __future__ import annotations

import math

import pytest
from msgspec.structs import replace

from models.customer.bands import Band
from models.timeline.shard_state import UNKNOWN_STAGES, ShardState, Totals
from models.timeline.shared import Alarm, Shared
from streams.monitoring.metrics import Metrics
from streams.monitoring.top.exposition import numbers, quantile


def test_a_workers_own_exposition_is_read_whole() -> None:
    metrics = Metrics()
    metrics.committed(2, Totals(), Totals(applied=7, late=2, duplicate=1, dead=3, triggers=4), 13, 0.02, 0.001)
    metrics.customers(2, [5, 4, 3, 2, 1, 0])
    metrics.next_offset(2, 113, 120, 1_700_000_000_500)
    metrics.outbox(2, 6)
    metrics.decisions.count({("waits", "hours"): 2, ("waits", "cap"): 1, ("triggered", ""): 4})
    metrics.due_backlog(2, 9)
    metrics.paused(2, "store")
    metrics.published(2, 4, 0.01, [0.02, 0.03])
    contest = {"pinned": True, "models": {"mixture": {"champion": False}, "adagrad": {"champion": True}}}
    metrics.version(1_700_000_000_000, {"auc": 0.7, "log_loss": 0.6, "labels": 50, "churn_rate": 0.4, **contest})
    told = numbers(metrics.text().decode())
    assert told.events == 9
    assert told.counts == {"applied": 9, "late": 2, "duplicate": 1, "dead": 3, "triggers": 4, "redelivered": 0}
    assert {what: many for what, many in told.decided.items() if many} == {"triggered": 4, "waits": 3}
    assert {gate: many for gate, many in told.held.items() if many} == {"hours": 2, "cap": 1}
    shard = told.shards[2]
    assert (shard.lag, shard.next_offset, shard.outbox, shard.due) == (7, 113, 6, 9)
    assert (shard.time, shard.paused) == (1_700_000_000_500, "store")
    assert shard.bands == {band.name.lower(): 5 - band for band in Band}
    assert told.version == 1_700_000_000_000
    assert told.quality == {"auc": 0.7, "log_loss": 0.6, "labels": 50, "churn_rate": 0.4}
    assert (told.champion, told.pinned) == ("adagrad", True)
    assert told.latency[math.inf] == 2
    assert told.commits[math.inf] == 1


def test_budgets_and_alarms_are_read_by_shard() -> None:
    metrics, day = Metrics(), 86_400_000
    shared = Shared({"gifts": {day: 40}}, {"gifts": {day: 25}}, {"gifts": 3}, Alarm(arrivals=day))
    metrics.state(2, replace(ShardState(2, 4, 0), time=2 * day, shared=shared))
    shard = numbers(metrics.text().decode()).shards[2]
    assert shard.budgets == {"gifts": {"allowed": 40, "reserved": 25, "unmet": 3}}
    assert shard.alarms == ["arrivals"]


def test_what_a_worker_does_not_tell_is_not_known_rather_than_0() -> None:
    told = numbers('retention_lag_records{shard="1"} 5\n')
    assert (told.shards[1].lag, told.shards[1].outbox, told.shards[1].due, told.shards[1].time) == (5, None, None, None)
    assert (told.version, told.partitions, told.memory, told.quality, told.latency) == (None, None, None, {}, {})
    assert numbers("").shards == {}


def test_a_model_without_a_label_has_no_quality() -> None:
    assert numbers("retention_model_auc 0.0\nretention_model_labels 0.0\n").quality == {}


def test_a_value_that_is_no_number_is_not_known() -> None:
    assert numbers('retention_lag_records{shard="1"} NaN\n').shards == {}


def test_a_shard_of_which_nobody_knows_who_is_at_which_stage_says_so() -> None:
    metrics = Metrics()
    metrics.taken_over(1, ShardState(1, 2, 0, stages=UNKNOWN_STAGES))
    shard = numbers(metrics.text().decode()).shards[1]
    assert (shard.uncounted, shard.stages) == (True, {})


def test_text_that_is_no_exposition_is_refused() -> None:
    with pytest.raises(ValueError):
        numbers("<html>hello</html>")


@pytest.mark.parametrize(
    ("q", "wanted"), [(0.0, 0.0), (0.25, 0.5), (0.5, 1.0), (0.75, 1 + 4 * 2.5 / 3), (0.9, math.inf), (1.0, math.inf)]
)
def test_a_quantile_is_interpolated_within_its_bucket(q: float, wanted: float) -> None:
    assert quantile({1.0: 5.0, 5.0: 8.0, math.inf: 10.0}, q) == pytest.approx(wanted)


def test_a_quantile_above_the_last_bound_is_only_known_to_be_above() -> None:
    assert quantile({1.0: 0.0, math.inf: 3.0}, 0.5) == math.inf


def test_nothing_observed_has_no_quantile() -> None:
    assert quantile({1.0: 0.0, math.inf: 0.0}, 0.5) is None
    assert quantile({}, 0.5) is None
