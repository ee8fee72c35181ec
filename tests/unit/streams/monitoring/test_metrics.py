"""What Prometheus sees."""

from __future__ import annotations

from math import isnan

from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from models.loyalty.loop import STAGES
from models.timeline.shard_state import UNKNOWN_STAGES, PolicyName, ShardState, Totals
from models.timeline.shared import Alarm, Shared
from models.timeline.stop_types import Stop, Stops
from streams.monitoring.label_values import REDELIVERIES
from streams.monitoring.metrics import Metrics


def series(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Value by name and label values, the shard first."""
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels, reverse=True))): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


def test_a_commit_counts_what_it_added_and_not_what_the_shard_had_before() -> None:
    metrics = Metrics()
    before = Totals(applied=100, dead=1, triggers=7)
    metrics.committed(3, before, Totals(applied=140, dead=2, late=5, triggers=9), 50, 0.2, 0.01)
    seen = series(metrics)
    assert seen["retention_touchpoints_applied_total", "3"] == 45, "late ones change a record, too"
    assert seen["retention_touchpoints_dead_total", "3"] == 1
    assert seen["retention_touchpoints_late_total", "3"] == 5
    assert seen["retention_touchpoints_duplicate_total", "3"] == 0
    assert seen["retention_triggers_total", "3"] == 2
    assert seen["retention_records_total", "3"] == 50
    assert seen["retention_store_seconds_count",] == 1
    assert seen["retention_commit_records_sum",] == 50


def test_touchpoints_that_may_have_come_before_are_counted_by_how_they_were_taken() -> None:
    metrics = Metrics()
    metrics.taken_over(3, ShardState(3, 4, 0))
    assert series(metrics)["retention_touchpoints_unsure_total", "applied", "3"] == 0
    metrics.doubted(3, 5, 2)
    metrics.doubted(3, 1, 0)
    assert series(metrics)["retention_touchpoints_unsure_total", "applied", "3"] == 6
    assert series(metrics)["retention_touchpoints_unsure_total", "duplicate", "3"] == 2


def test_customers_who_left_the_store_are_counted() -> None:
    metrics = Metrics()
    metrics.taken_over(3, ShardState(3, 4, 0))
    assert series(metrics)["retention_customers_left_total", "3"] == 0
    metrics.left(3, 5)
    metrics.left(3, 1)
    assert series(metrics)["retention_customers_left_total", "3"] == 6


def test_decisions_are_counted_by_what_came_of_them_and_what_held_them() -> None:
    metrics = Metrics()
    assert series(metrics)["retention_decisions_total", "triggered", "none"] == 0
    metrics.decisions.count({("triggered", ""): 2, ("waits", "hours"): 3, ("withdrawn", "complaint"): 1})
    metrics.decisions.count({("waits", "hours"): 1, ("unheard_of", "cap"): 1})
    seen = series(metrics)
    assert seen["retention_decisions_total", "triggered", "none"] == 2
    assert seen["retention_decisions_total", "waits", "hours"] == 4
    assert seen["retention_decisions_total", "withdrawn", "other"] == 1
    assert seen["retention_decisions_total", "other", "cap"] == 1


def test_budgets_and_alarms_are_those_of_the_running_period_and_go_with_their_shard() -> None:
    metrics, state = Metrics(), ShardState(3, 4, 0, time=250)
    metrics.state(3, state)
    assert not any(name[0] in ("retention_budget_units", "retention_alarm") for name in series(metrics))
    shared = Shared(
        {"calls": {100: 9, 200: 7, 300: 5}}, {"calls": {100: 9, 200: 4}}, {"calls": 2}, Alarm(crossings=240)
    )
    metrics.owned([3])
    metrics.state(3, replace(state, shared=shared))
    seen = series(metrics)
    told = {what: seen["retention_budget_units", what, "3", "calls"] for what in ("allowed", "reserved", "unmet")}
    assert told == {"allowed": 7, "reserved": 4, "unmet": 2}
    assert (seen["retention_alarm", "crossings", "3"], seen["retention_alarm", "arrivals", "3"]) == (1, 0)
    metrics.state(3, state)
    assert not any(name[0] == "retention_budget_units" for name in series(metrics))
    metrics.state(3, replace(state, shared=shared))
    metrics.owned([])
    assert not any(name[0] in ("retention_budget_units", "retention_alarm") for name in series(metrics))


def test_a_stop_is_shown_while_a_shard_decides_by_it_and_goes_with_the_shard() -> None:
    metrics, state = Metrics(), ShardState(3, 4, 0, time=250)

    def shown() -> set[tuple[str, ...]]:
        return {name[1:] for name in series(metrics) if name[0] == "retention_stopped"}

    metrics.owned([3])
    metrics.state(3, state)
    assert shown() == set()
    metrics.state(3, replace(state, stops=Stops((Stop(7), Stop(8)))))
    assert shown() == {("7", "3"), ("8", "3")}
    metrics.state(3, replace(state, stops=Stops((Stop(8),), (7,))))
    assert shown() == {("8", "3")}
    metrics.owned([])
    assert shown() == set()


def test_two_workers_in_one_process_do_not_mix() -> None:
    one, other = Metrics(), Metrics()
    one.committed(0, Totals(), Totals(applied=1), 1, 0.1, 0.1)
    assert ("retention_touchpoints_applied_total", "0") not in series(other)


def test_a_shard_that_moved_away_leaves_no_gauge_behind() -> None:
    metrics = Metrics()
    metrics.owned([0, 1])
    for shard in (0, 1):
        metrics.next_offset(shard, 10, 12, 5_000)
        metrics.customers(shard, (1, 2, 3, 4, 5, 6))
        metrics.outbox(shard, 4)
        metrics.due_backlog(shard, 5)
        metrics.taken_over(shard, ShardState(shard, 2, 10, time=5_000, version=4_000))
        metrics.paused(shard, "store")
    metrics.owned([1])
    left = {name[0] for name in series(metrics) if len(name) > 1 and name[1] == "0"}
    assert {name for name in left if not name.endswith("_total")} == set(), "gauges are the new owner's to show"
    assert "retention_takeovers_total" in left, "what this worker did stays"
    assert series(metrics)["retention_owned_shards",] == 1
    assert series(metrics)["retention_next_offset", "1"] == 10


def test_lag_is_log_end_less_fence_and_kept_when_the_end_is_not_known() -> None:
    metrics = Metrics()
    metrics.next_offset(0, 10, 25, 5_000)
    metrics.next_offset(0, 20, None, 6_000)
    seen = series(metrics)
    assert seen["retention_lag_records", "0"] == 15
    assert seen["retention_next_offset", "0"] == 20
    assert seen["retention_shard_time_seconds", "0"] == 6


def test_a_reason_that_nobody_foresaw_counts_as_other() -> None:
    metrics = Metrics()
    metrics.fencing_rejection("token")
    metrics.fencing_rejection("a new one")
    metrics.paused(0, "a new one")
    seen = series(metrics)
    assert seen["retention_fencing_rejections_total", "token"] == 1
    assert seen["retention_fencing_rejections_total", "other"] == 1
    assert seen["retention_paused", "0", "other"] == 1


def test_a_shard_is_paused_for_one_reason_at_a_time_and_for_none_when_it_goes_on() -> None:
    metrics = Metrics()
    metrics.paused(0, "store")
    metrics.paused(0, "version")
    assert series(metrics)["retention_paused", "0", "store"] == 0
    assert series(metrics)["retention_paused", "0", "version"] == 1
    metrics.paused(0, None)
    assert series(metrics)["retention_paused", "0", "version"] == 0


def test_a_shard_that_cant_publish_is_so_beside_what_its_work_waits_for_until_it_leaves() -> None:
    metrics = Metrics()
    metrics.owned([0])
    metrics.unpublished(0, True)
    metrics.paused(0, "outbox")
    metrics.paused(0, None)
    assert series(metrics)["retention_paused", "0", "kafka"] == 1
    metrics.unpublished(0, False)
    assert series(metrics)["retention_paused", "0", "kafka"] == 0
    metrics.unpublished(0, True)
    metrics.owned([])
    assert ("retention_paused", "0", "kafka") not in series(metrics)
    metrics.owned([0])
    metrics.unpublished(0, True)
    assert series(metrics)["retention_paused", "0", "kafka"] == 1


def test_a_version_without_labels_leaves_its_quality_unknown() -> None:
    metrics = Metrics()
    metrics.version(7_000, {"auc": None, "log_loss": 0.5})
    seen = series(metrics)
    assert seen["retention_model_version_seconds",] == 7
    assert seen["retention_model_log_loss",] == 0.5
    assert ("retention_model_auc",) not in seen, "an AUC of 0 would be a statement"


def test_latencies_and_entries_are_counted_once_per_transaction() -> None:
    metrics = Metrics()
    metrics.published(2, 30, 0.025, [0.2, 0.4])
    seen = series(metrics)
    assert seen["retention_published_total", "2"] == 30
    assert seen["retention_trigger_latency_seconds_count",] == 2
    assert seen["retention_publish_seconds_count",] == 1


def test_a_shard_that_is_taken_over_is_shown_as_it_was_found() -> None:
    metrics = Metrics()
    metrics.taken_over(
        4, ShardState(4, 8, 120, time=9_000, version=7_000, bands=(1, 2, 3, 4, 5, 6), stages=(0, 1, 2, 3, 4, 5, 6))
    )
    seen = series(metrics)
    assert seen["retention_takeovers_total", "4"] == 1
    assert seen["retention_touchpoints_dead_total", "4"] == 0, "else the first dead letter would be no increase"
    assert seen["retention_next_offset", "4"] == 120
    assert seen["retention_customers", "4", "at_risk"] == 4
    assert [seen["retention_customers_at_stage", stage, "4"] for stage in STAGES] == [0, 1, 2, 3, 4, 5, 6]
    assert seen["retention_shard_time_seconds", "4"] == 9
    assert seen["retention_shard_model_version_seconds", "4"] == 7
    assert seen["retention_shard_policy_seconds", "4"] == 0
    metrics.state(4, ShardState(4, 8, 120, policy=PolicyName(5_000, "0" * 64)))
    assert series(metrics)["retention_shard_policy_seconds", "4"] == 5


def test_customers_at_stages_are_none_when_the_last_has_left_and_no_number_where_nobody_can_say() -> None:
    metrics, state = Metrics(), ShardState(4, 8, 120)
    metrics.taken_over(4, state)
    assert not any("retention_customers_at_stage" in key for key in series(metrics))
    metrics.state(4, replace(state, stages=(0, 1, 0, 0, 0, 0, 0)))
    metrics.state(4, state)
    assert [series(metrics)["retention_customers_at_stage", stage, "4"] for stage in STAGES] == [0] * len(STAGES)
    metrics.state(4, replace(state, stages=UNKNOWN_STAGES))
    assert all(isnan(series(metrics)["retention_customers_at_stage", stage, "4"]) for stage in STAGES)


def test_the_untrained_model_and_a_shard_without_records_have_no_time_to_show() -> None:
    metrics = Metrics()
    metrics.taken_over(0, ShardState(0, 1, 0))
    assert ("retention_shard_model_version_seconds", "0") not in series(metrics)
    assert ("retention_shard_time_seconds", "0") not in series(metrics)


def test_what_is_known_of_the_model_leaves_with_the_learner() -> None:
    metrics = Metrics()
    metrics.learns(True)
    metrics.version(7_000, {"auc": 0.7})
    assert series(metrics)["retention_owned_learner",] == 1
    metrics.learns(False)
    seen = series(metrics)
    assert seen["retention_owned_learner",] == 0
    assert ("retention_model_version_seconds",) not in seen
    assert ("retention_model_auc",) not in seen


def test_every_kind_of_redelivery_is_shown_at_nought_before_the_first_one() -> None:
    metrics = Metrics()
    assert [series(metrics)["retention_redeliveries_total", what] for what in REDELIVERIES] == [0] * len(REDELIVERIES)
    metrics.redelivered("outbox", 3)
    assert series(metrics)["retention_redeliveries_total", "outbox"] == 3


def test_release_mode_and_number_of_shards_are_told() -> None:
    seen = series(Metrics("shop", "live", 16))
    release = [name for name in seen if name[0] == "retention_build_info"]
    assert len(release) == 1
    assert seen["retention_worker_info", "live", "shop"] == 1
    assert seen["retention_partitions",] == 16


def test_no_label_takes_a_value_that_customers_or_producers_choose() -> None:
    metrics = Metrics()
    labels = {label for family in metrics.registry.collect() for s in family.samples for label in s.labels}
    metrics.taken_over(0, ShardState(0, 1, 0))
    labels |= {label for family in metrics.registry.collect() for s in family.samples for label in s.labels}
    metrics.version(0, QUALITY)
    labels |= {label for family in metrics.registry.collect() for s in family.samples for label in s.labels}
    known = {"shard", "band", "reason", "what", "gate", "le", "version", "python_version", "app", "mode", "stage"}
    assert labels == known | {"model", "group", "of"}


WATCHED = {"labels": 90, "auc": 0.7, "log_loss": 0.5, "brier": 0.2, "drifts": {"loss": 2, "calibration": 1}}
QUALITY = {
    "pinned": True,
    "promotions": 3,
    "models": {
        "mixture": {**WATCHED, "champion": False, "groups": {}, "better_by_at_least": -0.02},
        "adagrad": {
            **WATCHED,
            "auc": None,
            "champion": True,
            "groups": {"old": {"labels": 40, "expected": 0.5, "churned": 0.75}},
        },
    },
}


def test_what_a_version_knows_of_actions_is_shown_and_leaves_with_the_learner() -> None:
    metrics = Metrics()
    metrics.version(7_000, QUALITY)
    assert not [name for name in series(metrics) if name[0].startswith("retention_action_")]
    arms = {"0a": {"matured": 300, "stopped": True}, "0b": {"matured": 20}}
    metrics.version(7_000, QUALITY, {"named": {"offer": "0a", "useful": "0b", "new": "0c"}, "arms": arms})
    told = {name: value for name, value in series(metrics).items() if name[0].startswith("retention_action_")}
    assert told == {
        ("retention_action_contacts", "offer"): 300,
        ("retention_action_contacts", "useful"): 20,
        ("retention_action_stopped", "offer"): 1,
        ("retention_action_stopped", "useful"): 0,
    }
    metrics.learns(False)
    assert not [name for name in series(metrics) if name[0].startswith("retention_action_")]


def test_whether_any_contact_does_harm_or_loses_is_shown_where_something_is_learned() -> None:
    metrics = Metrics()
    metrics.version(7_000, QUALITY)
    assert not [name for name in series(metrics) if name[0].startswith("retention_contact_")]
    watched = {"contact": {"harms": True, "loses": False}}
    metrics.version(7_000, QUALITY, {"named": {}, "arms": {}, "watched": watched})
    told = {name[0]: value for name, value in series(metrics).items() if name[0].startswith("retention_contact_")}
    assert told == {"retention_contact_harms": 1, "retention_contact_loses": 0}


def test_the_contest_is_shown_by_model_as_far_as_it_is_known_and_leaves_with_the_learner() -> None:
    metrics = Metrics()
    before = series(metrics)
    metrics.version(7_000, QUALITY)
    seen = series(metrics)
    told = {name[0].removeprefix("retention_contest_"): {} for name in seen if name[0].startswith("retention_contest_")}
    for name, value in seen.items():
        if name[0].startswith("retention_contest_"):
            told[name[0].removeprefix("retention_contest_")][name[1:]] = value
    assert told == {
        "pinned": {(): 1},
        "promotions": {(): 3},
        "champion": {("mixture",): 0, ("adagrad",): 1},
        "labels": {("mixture",): 90, ("adagrad",): 90},
        "auc": {("mixture",): 0.7},
        "log_loss": {("mixture",): 0.5, ("adagrad",): 0.5},
        "brier": {("mixture",): 0.2, ("adagrad",): 0.2},
        "better_by_at_least": {("mixture",): -0.02},
        "drifts": {(of, model): n for model in ("mixture", "adagrad") for of, n in (("loss", 2), ("calibration", 1))},
        "group_bias": {("adagrad", "old"): -0.25},
        "group_labels": {("adagrad", "old"): 40},
    }
    metrics.learns(False)
    assert series(metrics).keys() == before.keys()
