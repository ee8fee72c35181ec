"""From looks to a view: rates, latency of the last minute, quality over log time, shards that change hands."""

from __future__ import annotations

import json
import math

import pytest

from streams.monitoring.top.exposition import Numbers, ShardNumbers
from streams.monitoring.top.history import POINTS, Counters, QualityOverTime
from streams.monitoring.top.plain import as_json, lines, snapshot
from streams.monitoring.top.view import BudgetRow, TriggerRow, View
from streams.monitoring.top.watch import LATEST, Watch
from streams.monitoring.top.workers import Report


def worker(url: str = "http://a:1", **told: object) -> Report:
    numbers = Numbers()
    for name, value in told.items():
        setattr(numbers, name, value)
    return Report(url, numbers, True, True)


def counted(applied: float, url: str = "http://a:1") -> Report:
    return worker(url, counts={"applied": applied})


def looks(watch: Watch, *reports: list[Report], every_s: float = 1.0) -> View:
    for at, report in enumerate(reports):
        view = watch.look(report, [], at * every_s, 0)
    return view


def test_a_rate_is_not_known_before_the_second_look() -> None:
    assert looks(Watch("t"), [counted(1_000)]).rate is None


def test_what_was_counted_before_the_watching_began_is_no_rate() -> None:
    view = looks(Watch("t"), [counted(1_000)], [counted(1_050)])
    assert (view.rate, view.events) == (50.0, 1_050)


def test_a_rate_is_over_the_last_seconds_and_the_chart_shows_each_look() -> None:
    view = looks(Watch("t"), *[[counted(n)] for n in (0, 100, 100, 100, 100, 100, 200)])
    assert view.rate == pytest.approx(20.0)
    assert view.rates == (100, 0, 0, 0, 0, 100)


def test_a_rate_is_known_when_looks_are_further_apart_than_its_window() -> None:
    view = looks(Watch("t"), *[[counted(n)] for n in (0, 100, 300)], every_s=10.0)
    assert view.rate == pytest.approx(20.0)


def test_a_worker_that_was_started_anew_counts_from_0() -> None:
    view = looks(Watch("t"), [counted(1_000)], [counted(30)])
    assert view.rate == 30.0


def test_a_worker_that_joins_brings_no_rise_of_its_past() -> None:
    view = looks(Watch("t"), [counted(0)], [counted(10), counted(5_000, "http://b:1")])
    assert (view.rate, view.events) == (10.0, 5_010)


def test_counters_forget_what_is_older_than_they_are_to_keep() -> None:
    counters = Counters(keep_s=10.0)
    for at in range(100):
        counters.look(float(at), {"a": {"n": float(at)}})
    rise = counters.rise(1_000.0)
    assert rise is not None
    assert rise.seconds <= 11.0
    assert rise.by["n"] == rise.seconds


def latency(under_10_ms: float, under_1_s: float, url: str = "http://a:1") -> Report:
    return worker(url, latency={0.01: under_10_ms, 1.0: under_1_s, math.inf: under_1_s})


def test_latency_is_of_the_last_minute_over_all_workers() -> None:
    view = looks(
        Watch("t"),
        [latency(0, 1_000), latency(0, 0, "http://b:1")],
        [latency(90, 1_090), latency(10, 10, "http://b:1")],
    )
    assert view.latency is not None
    assert (view.latency.count, view.latency.window_s) == (100, 1.0)
    assert view.latency.p99_s < 0.01


def test_latency_is_since_the_start_when_nothing_was_measured_in_the_last_minute() -> None:
    view = looks(Watch("t"), [latency(0, 1_000)], [latency(0, 1_000)])
    assert view.latency is not None
    assert (view.latency.count, view.latency.window_s, view.latency.top_s) == (1_000, None, 1.0)


def test_no_latency_is_told_where_none_was_measured() -> None:
    assert looks(Watch("t"), [latency(0, 0)], [latency(0, 0)]).latency is None


def test_shards_are_summed_over_workers_and_a_shard_of_two_counts_once() -> None:
    leaving = worker(
        shards={0: ShardNumbers(lag=9, next_offset=1, bands={"safe": 5}), 1: ShardNumbers(lag=2, next_offset=7)}
    )
    coming = worker("http://b:1", shards={0: ShardNumbers(lag=3, next_offset=4, outbox=1, bands={"safe": 6})})
    for reports in ([leaving, coming], [coming, leaving]):
        view = looks(Watch("t", partitions=3), reports)
        assert (view.lag, view.outbox, view.due, view.customers) == (5, 1, None, 6)
        assert (len(view.shards), view.unowned) == (2, 1)


def test_log_time_is_that_of_the_last_shard_and_unknown_until_all_have_begun() -> None:
    shards = {0: ShardNumbers(time=50), 1: ShardNumbers(time=40)}
    assert looks(Watch("t", partitions=2), [worker(shards=shards)]).time == 40
    assert looks(Watch("t"), [worker(shards=shards, partitions=3)]).time is None
    assert looks(Watch("t"), [worker(shards={**shards, 2: ShardNumbers()})]).time is None


def test_the_models_quality_is_the_newest_versions_whoever_tells_it() -> None:
    old = worker(version=100, quality={"labels": 10, "auc": 0.5})
    told = {"labels": 20, "auc": 0.6, "log_loss": 0.68}
    new = worker("http://b:1", version=200, quality=told, champion="adagrad", pinned=True)
    watch = Watch("t")
    view = looks(watch, [old], [old, new], [new, old])
    assert (view.version, view.champion, view.pinned, view.quality["auc"]) == (200, "adagrad", True, 0.6)
    assert [(point.time, point.auc, point.log_loss) for point in view.history] == [(100, 0.5, None), (200, 0.6, 0.68)]


def test_quality_over_a_long_time_stays_bounded_and_keeps_its_ends() -> None:
    quality = QualityOverTime()
    for time in range(1, 20 * POINTS):
        quality.look(time, {"labels": time, "auc": 0.5})
    points = quality.points
    assert len(points) <= POINTS
    assert (points[0].time, points[-1].time) == (1, 20 * POINTS - 1)
    assert [point.time for point in points] == sorted(point.time for point in points)


def test_a_worker_that_does_not_answer_is_shown_with_the_reason() -> None:
    view = looks(Watch("t"), [counted(5), Report("http://b:1", trouble="nothing listens there")])
    assert [(row.name, row.reachable, row.well, row.why) for row in view.workers] == [
        ("a:1", True, True, ()),
        ("b:1", False, False, ("nothing listens there",)),
    ]


def test_triggers_are_kept_up_to_a_limit_and_the_fresh_ones_are_known() -> None:
    def some(first: int, number: int) -> list[TriggerRow]:
        return [TriggerRow(first + n, "c", "win_back", "email", 0.9, ()) for n in range(number)]

    watch = Watch("t")
    watch.look([], some(0, LATEST), 0.0, 0)
    view = watch.look([], some(1_000, 3), 1.0, 0)
    assert (len(view.latest), view.fresh, view.latest[-1].time) == (LATEST, 3, 1_002)
    assert watch.look([], [], 2.0, 0).fresh == 0


def test_a_shard_that_waits_says_for_what() -> None:
    report = Report(
        "http://a:1",
        Numbers(shards={0: ShardNumbers(paused="store"), 1: ShardNumbers(paused="outbox")}),
        True,
        True,
        states={0: ("waiting", "store: Redis does not answer")},
    )
    rows = looks(Watch("t"), [report]).shards
    assert [(row.state, row.why) for row in rows] == [("waiting", "store: Redis does not answer"), ("outbox", "outbox")]


def test_what_policies_decide_is_summed_over_the_workers_and_told_where_there_is_any() -> None:
    one = worker(decided={"triggered": 2.0, "void": 0.0})
    view = looks(Watch("t"), [one, worker("http://b:1", decided={"triggered": 1.0, "left_alone": 1_200.0})])
    assert view.decided == {"triggered": 3, "left_alone": 1_200}
    assert "decided    triggered 3, left alone 1,200" in snapshot(view)
    assert json.loads(as_json(view))["decided"] == view.decided
    assert not any(line.startswith("decided") for line in snapshot(looks(Watch("t"), [counted(1.0)])))


def test_gates_budgets_and_alarms_are_summed_over_shards_and_told_in_every_form() -> None:
    gifts = {"allowed": 40, "reserved": 25, "unmet": 0}
    first = ShardNumbers(budgets={"gifts": gifts}, alarms=["arrivals"])
    second = ShardNumbers(budgets={"gifts": {**gifts, "unmet": 3}, "calls": gifts}, alarms=["arrivals", "crossings"])
    one = worker(shards={0: first}, held={"cap": 1.0, "hours": 2.0, "void": 0.0})
    watch = Watch("t")
    view = looks(watch, [one, worker("http://b:1", shards={1: second}, held={"hours": 3.0})])
    assert list(view.held.items()) == [("hours", 5), ("cap", 1)]
    assert view.budgets == (BudgetRow("calls", 40, 25, 0), BudgetRow("gifts", 80, 50, 3))
    assert view.alarms == {"arrivals": (0, 1), "crossings": (1,)}
    told = snapshot(view)
    assert "held by    hours 5, cap 1" in told
    assert "budget     gifts  50 used of 80 allowed, 3 lacked room" in told
    assert "alarm      arrivals: marketing waits in shard 0, 1" in told
    assert "    alarm of crossings: marketing waits in shard 1" in lines(view, None)
    assert "    alarm of crossings: marketing waits in shard 1" not in lines(view, view)
    data = json.loads(as_json(view))
    assert data["budgets"][1] == {"budget": "gifts", "allowed": 80, "reserved": 50, "unmet": 3}
    assert data["alarms"] == [{"what": "arrivals", "shards": [0, 1]}, {"what": "crossings", "shards": [1]}]
    assert data["held"] == {"hours": 5, "cap": 1}
    triggers = [TriggerRow(1, "anna", "offer", "email", None, (), kind=kind) for kind in ("care", "offer", "offer", "")]
    assert list(watch.look([one], triggers, 9.0, 0).kinds.items()) == [("offer", 2), ("care", 1)]
