"""Silence and episodes: when the engine speaks of its own accord, and how often."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import log, log2
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.churn import Version
from models.customer.bands import Band
from models.customer.layout import BASIS, EPISODE, LAST_PURCHASE, LEFT, TICK
from models.customer.record import unpack
from models.engine.step import InForce
from models.features import COLUMNS
from models.outputs import trigger_id
from models.settings import DAY, HOUR, MINUTE, EngineSettings
from tests.support.bench import Curious, Kept, Silence, advance, run_alone
from tests.support.logs import START, log_of, synthetic, ticking, told

SETTINGS = EngineSettings(
    horizon=28 * DAY, anchor=START, phase="aligned", boundary=7 * DAY, version_delay=0, enter=0.75, exit=0.5
)
SCORER = Silence(14.0)
Entry = tuple[int, bytes | None, bytes | None]


def day(number: float) -> int:
    return START + int(number * DAY)


def bought(customer: str, number: float) -> Entry:
    return told("purchase", customer, day(number), {"amount": 10})


def run(*entries: Entry, batch: int = 500) -> Kept:
    return run_alone(log_of(entries), SETTINGS, SCORER, batch)


def expired(trigger: dict[str, Any], number: float) -> Entry:
    return told("expired_unsent", trigger["customer"], day(number), {"trigger_id": trigger["id"]})


@settings(max_examples=25)
@given(
    st.lists(st.integers(0, 20 * DAY), min_size=1, max_size=8),
    st.sampled_from(["spread", "aligned"]),
    st.floats(3, 40),
    st.floats(0.3, 0.9),
)
def test_who_only_falls_silent_is_triggered_at_the_minute_at_which_the_risk_reaches_the_threshold(
    bought_at: list[int], phase: Any, half_life: float, enter: float
) -> None:
    given_settings = replace(SETTINGS, phase=phase, enter=enter, exit=enter / 2)
    scorer = Silence(half_life)
    entries = sorted(told("purchase", f"c-{i}", START + time, {"amount": 10}) for i, time in enumerate(bought_at))
    end = ticking(day(120))
    expected = {}
    for i, time in enumerate(bought_at):
        crossing = START + time // DAY * DAY + int(-log2(1.0 - enter) * half_life * DAY)
        if crossing - (START + time) <= given_settings.silence - 2 * MINUTE:
            expected[f"c-{i}"] = crossing
        elif crossing - (START + time) <= given_settings.silence + 2 * MINUTE:
            return  # on the very edge
    once = run_alone(log_of([*entries, end]), given_settings, scorer)
    found = {trigger["customer"]: trigger["time"] for trigger in once.said("triggers")}
    assert found.keys() == expected.keys()
    for customer, crossing in expected.items():
        assert abs(found[customer] - crossing) <= 2 * MINUTE
    # Live, clock records come all the time: the same moments, the same ids.
    hourly = sorted([*entries, *(ticking(day(hour / 4)) for hour in range(480))], key=lambda entry: entry[0])
    often = run_alone(log_of([*hourly, end]), given_settings, scorer)
    assert sorted(often.ids("triggers")) == sorted(once.ids("triggers"))
    assert often.records == once.records


def run_with_versions(entries: list[Entry], scorer_on: Callable[[int], Silence]) -> Kept:
    """A version every day of log time: the scorer of each by the day's number."""
    daily = replace(SETTINGS, boundary=DAY)

    kept, in_force = Kept.new(log_of(entries), daily), [scorer_on(0)]

    def adopt(boundary: int) -> InForce:
        in_force[0] = scorer_on((boundary - START) // DAY)
        return InForce(Version(boundary, 0, {}, {}), in_force[0])

    while advance(kept, daily, 500, adopt, in_force[0]):
        pass
    return kept


def test_a_crossing_that_a_newer_version_does_not_confirm_opens_nothing_and_the_next_look_finds_another() -> None:
    """The risk would reach three quarters on day 26; from day 24 on, a model that says day 40 decides."""
    entries = [bought("c", 0.5), ticking(day(55))]
    kept = run_with_versions(entries, lambda number: Silence(13.0 if number < 24 else 20.0))
    [trigger] = kept.said("triggers")
    assert abs(trigger["time"] - day(40)) <= 2 * MINUTE
    assert kept.state.totals.crossings == 2, "the one that was not confirmed, and the right one"


def test_versions_that_disagree_every_other_day_cause_a_look_each_at_most() -> None:
    entries = [bought("c", 0.5), ticking(day(55))]
    kept = run_with_versions(entries, lambda number: Silence(13.0 if number % 2 else 20.0))
    [trigger] = kept.said("triggers")
    assert trigger["time"] == day(35), "foreseen on day 21 for day 26, when the other one decides; day 35 is a tick"
    assert kept.state.totals.crossings == 1


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from(["spread", "aligned"]))
def test_no_more_is_looked_at_than_touchpoints_ticks_labels_and_crossings(seed: int, phase: Any) -> None:
    [log] = synthetic(seed, partitions=1, customers=15, days=120)
    kept = run_alone(log, replace(SETTINGS, phase=phase), SCORER)
    totals = kept.state.totals
    labels = len(_examples(kept)) + len(_examples(kept, "return"))
    ticks = totals.due - labels - totals.crossings
    assert totals.scored <= totals.applied + totals.late + ticks + totals.crossings
    # A crossing is foreseen once a week at most, unless a touchpoint moves it.
    assert totals.crossings <= ticks + totals.applied + totals.late
    assert totals.crossings > 0


def test_a_trigger_tells_why_what_and_where_in_the_log() -> None:
    kept = run(bought("c", 0.5), ticking(day(10)), ticking(day(36)))
    [trigger] = kept.said("triggers")
    assert trigger["id"] == trigger_id(b"c", day(28), "due", 1)
    assert (trigger["time"], trigger["episode"], trigger["step"]) == (day(28), day(28), 1)
    assert trigger["expires_at"] == day(28) + SETTINGS.trigger_life
    assert trigger["probability"] == pytest.approx(0.75)
    assert (trigger["action"], trigger["channel"]) == ("win_back", "email")
    # The usual silence is half of the usual gap, at which the risk would be one half.
    [driver] = trigger["drivers"]
    assert (driver["feature"], driver["words"]) == ("silence", "silent 28 days, bought once so far")
    assert driver["contribution"] == pytest.approx(log(3.0))
    assert trigger["at"] == {"partition": 0, "offset": 2, "due": True}
    assert trigger["model_version"] == day(28)
    [opened] = kept.decisions("episode_opened")
    assert (opened["trigger"], opened["action"]) == (trigger["id"], "win_back")
    [output] = [output for output in kept.outputs if output.role == "triggers"]
    assert (output.id, output.key, output.expires_at) == (trigger["id"], b"c", trigger["expires_at"])


@dataclass(frozen=True)
class Weighing(Silence):
    """Adds to the logit by what has happened to a customer; it heeds no silence."""

    def score(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
        weights = {"complaints": 0.4, "campaigns": 0.9, "unsubscribes": 0.2, "returns": 0.7, "payment_failures": 1.1}
        z = sum(weight * bases[:, COLUMNS.index(name)].astype(np.float64) for name, weight in weights.items())
        return np.asarray(1.0 / (1.0 + np.exp(2.0 - z)))


def test_of_all_that_has_changed_a_trigger_names_the_three_largest_reasons_in_their_order() -> None:
    happened: list[tuple[str, dict[str, Any]]] = [
        ("complaint", {}),
        ("campaign_received", {"campaign_id": "spring"}),
        ("message_unsubscribed", {"channel": "sms"}),
        ("return", {"amount": 5}),
        ("payment_failed", {}),
    ]
    entries = [told(kind, "c", day(9) + n * MINUTE, data, id=kind) for n, (kind, data) in enumerate(happened)]
    kept = run_alone(log_of([bought("c", 0.5), *entries]), SETTINGS, Weighing())
    [trigger] = kept.said("triggers")
    assert trigger["id"] == trigger_id(b"c", trigger["time"], "payment_failed", 1), "the last of the five"
    assert [driver["feature"] for driver in trigger["drivers"]] == ["payment_failures", "campaigns", "returns"]
    assert [driver["contribution"] for driver in trigger["drivers"]] == pytest.approx([1.1, 0.9, 0.7], rel=1e-3)
    assert [driver["words"] for driver in trigger["drivers"]] == [
        "a payment failed lately",
        "received many campaigns lately",
        "returned goods lately",
    ]


def test_an_episode_that_a_touchpoint_opens_bears_its_id() -> None:
    entries = bought("c", 0.5), told("visit", "c", day(9.5), id="knock")
    kept = run_alone(log_of(entries), SETTINGS, Curious())
    [trigger] = kept.said("triggers")
    assert trigger["id"] == trigger_id(b"c", day(9.5), "knock", 1)
    assert trigger["at"] == {"partition": 0, "offset": 1, "due": False}


@pytest.mark.parametrize("batch", [1, 500])
def test_what_is_due_stands_before_the_record_that_brings_its_very_moment(batch: int) -> None:
    visit = told("visit", "c", day(28), id="knock")
    kept = run(bought("c", 0.5), visit, batch=batch)
    [trigger] = kept.said("triggers")
    assert trigger["id"] == trigger_id(b"c", day(28), "due", 1)
    assert trigger["at"] == {"partition": 0, "offset": 1, "due": True}


@pytest.mark.parametrize("batch", [1, 500])
def test_a_late_touchpoint_does_not_continue_a_re_armed_episode_either(batch: int) -> None:
    begun = [bought("c", 0.5), ticking(day(36))]
    [first] = run(*begun).said("triggers")
    late = told("visit", "c", day(30), at=day(38))
    kept = run(*begun, expired(first, 37), late, told("visit", "c", day(39)), batch=batch)
    assert [trigger["time"] for trigger in kept.said("triggers")] == [day(28), day(39)]


@dataclass(frozen=True)
class Gloomy(Silence):
    """Expects the worst of everybody."""

    def score(self, bases: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.full(len(bases), 0.99)


def test_a_purchase_opens_no_episode_whatever_the_model_expects() -> None:
    kept = run_alone(log_of([bought("c", 0.5), bought("c", 1.5), ticking(day(8))]), SETTINGS, Gloomy())
    [trigger] = kept.said("triggers")
    assert (trigger["time"], trigger["at"]["due"]) == (day(7), True)


def test_an_episode_has_one_trigger_however_long_and_lively_it_is() -> None:
    lively = [told("visit", "c", day(30 + i / 2)) for i in range(40)]
    kept = run(bought("c", 0.5), *lively, ticking(day(55)))
    assert len(kept.said("triggers")) == len(kept.decisions("episode_opened")) == 1
    assert kept.decisions("episode_closed") == []


def test_a_purchase_ends_the_episode_and_the_next_one_has_a_trigger_of_its_own() -> None:
    kept = run(bought("c", 0.5), ticking(day(36)), bought("c", 37), ticking(day(80)))
    assert [trigger["episode"] for trigger in kept.said("triggers")] == [day(28), day(65)]
    [closed] = kept.decisions("episode_closed")
    assert (closed["time"], closed["reason"]) == (day(37), "risk fell below the exit threshold")
    assert len(set(kept.ids("triggers"))) == 2


def test_an_episode_is_closed_when_the_customer_lapses_and_nobody_ticks_after_that() -> None:
    kept = run(bought("c", 0.5), ticking(day(200)))
    [closed] = kept.decisions("episode_closed")
    assert (closed["time"], closed["reason"]) == (day(63), "silent for two horizons")
    record = unpack(b"c", kept.records[b"c"])
    assert (record.band, record.times[TICK], record.times[EPISODE]) == (Band.LAPSED, 0, 0)
    assert record.tail.trigger == b""
    assert kept.dues == {}


def test_a_lapsed_customer_who_comes_back_is_watched_again() -> None:
    kept = run(bought("c", 0.5), ticking(day(70)), told("visit", "c", day(75)), bought("c", 80), ticking(day(82)))
    record = unpack(b"c", kept.records[b"c"])
    assert record.band == Band.SAFE
    assert record.times[TICK] == day(84)
    assert len(kept.said("triggers")) == 1  # the visit of somebody lapsed opens nothing


@pytest.mark.parametrize("batch", [1, 500])
def test_a_trigger_that_expired_unsent_is_followed_by_another_step_of_the_same_episode(batch: int) -> None:
    begun = [bought("c", 0.5), ticking(day(36))]
    [first] = run(*begun).said("triggers")
    kept = run(*begun, expired(first, 38.5), expired(first, 38.6), ticking(day(43)), ticking(day(50)), batch=batch)
    one, two = kept.said("triggers")
    assert one == first
    assert (two["episode"], two["step"], two["time"]) == (day(28), 2, day(42))
    assert two["id"] == trigger_id(b"c", day(28), "due", 2) != one["id"]
    assert len(kept.decisions("rearmed")) == 1
    assert len(kept.decisions("episode_opened")) == len(kept.decisions("episode_continued")) == 1


def test_what_expires_after_its_episode_is_over_is_of_no_consequence() -> None:
    begun = [bought("c", 0.5), ticking(day(36))]
    [first] = run(*begun).said("triggers")
    kept = run(*begun, bought("c", 37), expired(first, 38.5), ticking(day(80)))
    assert kept.decisions("rearmed") == []
    assert [trigger["step"] for trigger in kept.said("triggers")] == [1, 1]


def test_a_re_armed_episode_that_lapses_leaves_the_next_one_unarmed() -> None:
    begun = [bought("c", 0.5), ticking(day(36))]
    [first] = run(*begun).said("triggers")
    kept = run(*begun, ticking(day(56)), expired(first, 57), ticking(day(100)))
    assert len(kept.decisions("rearmed")) == len(kept.decisions("episode_closed")) == 1
    assert unpack(b"c", kept.records[b"c"]).flags == 0


def test_who_took_back_consent_has_an_episode_and_no_trigger() -> None:
    kept = run(bought("c", 0.5), told("consent_changed", "c", day(2), {"marketing": False}), ticking(day(50)))
    assert kept.said("triggers") == []
    [opened] = kept.decisions("episode_opened")
    assert (opened["action"], opened["reason"]) == ("leave_alone", "no consent to be contacted")


def test_a_prospect_who_never_bought_is_never_at_risk() -> None:
    kept = run(*(told("visit", "c", day(i)) for i in range(3)), ticking(day(90)))
    assert kept.state.totals.scored == 0
    assert unpack(b"c", kept.records[b"c"]).band == Band.PROSPECT
    assert kept.dues == {}


def test_a_label_is_known_at_the_end_of_its_window_and_the_lateness_whatever_it_is() -> None:
    stays = [bought("stays", number) for number in range(0, 120, 5)]
    goes = [bought("goes", 0.5), bought("goes", 1.5)]
    entries = sorted([*stays, *goes, ticking(day(120))], key=lambda entry: entry[0])
    kept = run(*entries)
    examples = _examples(kept)
    assert {example["customer"] for example in examples} == {"stays", "goes"}
    for example in examples:
        assert example["label_time"] == example["snapshot_time"] + SETTINGS.horizon + SETTINGS.lateness
        later = [entry for entry in entries if entry[1] == example["customer"].encode()]
        window = range(example["snapshot_time"], example["snapshot_time"] + SETTINGS.horizon)
        assert example["truth"] == (not any(entry[0] in window for entry in later))
        assert len(b64decode(example["basis"])) == 2 * BASIS
        assert 0.0 <= example["predicted"] <= 1.0
        # Who has been silent for a whole horizon has churned already; there is nothing to predict.
        before = max(entry[0] for entry in later if entry[0] < example["snapshot_time"])
        assert example["snapshot_time"] - before <= SETTINGS.horizon
    for example in (returns := _examples(kept, "return")):
        assert example["label_time"] == example["snapshot_time"] + SETTINGS.tick + SETTINGS.lateness
        later = [entry for entry in entries if entry[1] == example["customer"].encode()]
        window = range(example["snapshot_time"], example["snapshot_time"] + SETTINGS.tick)
        assert example["truth"] == any(entry[0] in window for entry in later)
        assert "predicted" not in example
    assert {example["truth"] for example in returns} == {True, False}
    marked = -1
    for one in kept.said("examples"):  # a watermark is true: nothing with an earlier label time follows
        if one["type"] == "watermark":
            marked = one["time"]
        else:
            assert one["label_time"] > marked


def test_a_purchase_that_arrives_within_the_lateness_still_counts_for_its_label() -> None:
    [example] = _examples(run(bought("c", 0.5), ticking(day(90))))
    window_end = example["snapshot_time"] + SETTINGS.horizon
    for arrival, churned in ((HOUR - 1, False), (HOUR + 1, True)):
        last = told("purchase", "c", window_end - 1, {"amount": 1}, at=window_end + arrival)
        first, *_ = _examples(run(bought("c", 0.5), last, ticking(day(90))))
        assert first["truth"] == churned


def _examples(kept: Kept, sort: str = "churn") -> list[dict[str, Any]]:
    return [said for said in kept.said("examples") if said["type"] == "example" and said["sort"] == sort]


def test_without_lateness_every_tick_has_a_weekly_example_and_every_horizon_another() -> None:
    given_settings = replace(SETTINGS, lateness=0)
    kept = run_alone(log_of([bought("c", 0.5), ticking(day(70))]), given_settings, SCORER)
    assert [example["snapshot_time"] for example in _examples(kept, "return")] == [day(7 * n) for n in range(1, 9)]
    [example] = _examples(kept)
    assert example["snapshot_time"] in [day(7 * n) for n in range(1, 5)]


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_every_episode_has_one_first_trigger_at_most_and_every_trigger_an_episode(seed: int) -> None:
    [log] = synthetic(seed, partitions=1, customers=15, days=120)
    kept = run_alone(log, SETTINGS, SCORER)
    opened = {(decision["customer"], decision["time"]) for decision in kept.decisions("episode_opened")}
    triggers = [(trigger["customer"], trigger["episode"], trigger["step"]) for trigger in kept.said("triggers")]
    assert len(triggers) == len(set(triggers))
    assert {(customer, episode) for customer, episode, _ in triggers} <= opened
    for customer, value in kept.records.items():
        record = unpack(customer, value)
        assert not any(record.pending_ticks) or record.times[LAST_PURCHASE]
        assert (record.band == Band.AT_RISK) == bool(record.times[EPISODE])


# -- what counts as staying


def test_any_engagement_counts_as_staying_when_it_is_told_so() -> None:
    engaged = replace(SETTINGS, alive="engagement")
    entries = [told("visit", "c", day(number)) for number in range(0, 60, 5)]
    assert run_alone(log_of([*entries, ticking(day(60))]), engaged, SCORER).said("triggers") == []
    kept = run_alone(log_of([*entries[:2], ticking(day(60))]), engaged, SCORER)
    [trigger] = kept.said("triggers")
    assert trigger["time"] == day(5 + 28)
    assert trigger["drivers"][0]["words"] == "silent 28 days, usually comes every 5 days"
    # Where purchases count, somebody who only looks around is a prospect.
    assert run(*entries, ticking(day(60))).state.totals.scored == 0


def test_who_cancels_has_left_and_is_watched_again_when_they_come_back() -> None:
    contract = replace(SETTINGS, alive="contract", lateness=0)
    begun = [told("subscription_started", "c", day(0.5)), told("subscription_renewed", "c", day(20.5))]
    left = [*begun, told("subscription_cancelled", "c", day(30)), told("visit", "c", day(31)), ticking(day(90))]
    kept = run_alone(log_of(left), contract, SCORER)
    record = unpack(b"c", kept.records[b"c"])
    assert (record.band, record.times[TICK], bool(record.flags & LEFT)) == (Band.LAPSED, 0, True)
    assert kept.said("triggers") == []
    churned = {example["snapshot_time"]: example["truth"] for example in _examples(kept)}
    assert churned == {day(14): True}
    again = [*left[:-1], told("subscription_started", "c", day(40)), ticking(day(75))]
    back = run_alone(log_of(again), contract, SCORER)
    [trigger] = back.said("triggers")
    assert trigger["time"] == day(68)
    assert not unpack(b"c", back.records[b"c"]).flags & LEFT


def test_a_cancellation_closes_the_episode_and_says_so() -> None:
    contract = replace(SETTINGS, alive="contract")
    entries = [told("subscription_started", "c", day(0.5)), told("subscription_cancelled", "c", day(30))]
    kept = run_alone(log_of(entries), contract, SCORER)
    [closed] = kept.decisions("episode_closed")
    assert (closed["time"], closed["reason"]) == (day(30), "cancelled")


def test_a_cancellation_that_is_older_than_the_newest_renewal_is_over() -> None:
    contract = replace(SETTINGS, alive="contract")
    old = told("subscription_cancelled", "c", day(10), at=day(22))
    entries = [told("subscription_started", "c", day(0.5)), told("subscription_renewed", "c", day(20)), old]
    record = unpack(b"c", run_alone(log_of(entries), contract, SCORER).records[b"c"])
    assert record.times[TICK] == day(28)
    assert not record.flags & LEFT


def test_a_renewal_from_before_the_cancellation_that_comes_late_brings_nobody_back() -> None:
    contract = replace(SETTINGS, alive="contract", lateness=0)
    begun = [told("subscription_started", "c", day(0.5)), told("subscription_renewed", "c", day(20.5))]
    begun.append(told("subscription_cancelled", "c", day(30)))
    late = told("subscription_renewed", "c", day(25), at=day(40))
    kept = run_alone(log_of([*begun, late, ticking(day(90))]), contract, SCORER)
    record = unpack(b"c", kept.records[b"c"])
    assert (record.band, record.times[TICK], bool(record.flags & LEFT)) == (Band.LAPSED, 0, True)
    assert kept.said("triggers") == []
    back = told("subscription_renewed", "c", day(31), at=day(41))
    again = unpack(b"c", run_alone(log_of([*begun, late, back]), contract, SCORER).records[b"c"])
    assert not again.flags & LEFT
    assert again.times[TICK] == day(42)
