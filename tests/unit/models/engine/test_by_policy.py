"""What the policy in force decides: the same bytes as the plain engine's, in any portions, and the life of a moment."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.decisions.given import Given, Said
from models.decisions.periods import period_at
from models.decisions.plans import due
from models.engine import piece_run
from models.engine.apply import apply
from models.engine.row_by_row import isolate_failures
from models.settings import DAY, HOUR
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from tests.reference.engine import apply as plainly
from tests.support.bench import ForgetfulWorld, digest
from tests.support.families import slow_but
from tests.support.logs import START, chosen_policy, inserted, log_of, synthetic, told
from tests.support.policies import (
    BUDGETS,
    BY_STAGE,
    BY_STAGE_ALONE,
    BY_TIER,
    CLASSES,
    DATES,
    EAGER,
    EXAMPLE,
    LEARNED,
    LIMITED,
    PLANNED,
    QUIETER,
    VALUED,
)
from tests.unit.models.simulation.test_rehearsal import VARIANTS

POLICIES = {
    "eager": EAGER,
    "by class": CLASSES,
    "as it ships": EXAMPLE,
    "quieter": QUIETER,
    "with budgets": BUDGETS,
    "planned": PLANNED,
    "with dates": DATES,
    "with values": VALUED,
    "by tier": BY_TIER,
    "by stage": BY_STAGE,
    "by stage alone": BY_STAGE_ALONE,
    "learned": LEARNED,
}


@cache
def log_with(policy: str, seed: int = 7, customers: int = 60, days: int = 200) -> list[list[LogRecord]]:
    """One partition under the policy from day 30 on, one from day 50 on."""
    logs = synthetic(seed, partitions=2, customers=customers, days=days)
    times = (START + 30 * DAY, START + 50 * DAY + HOUR)
    text = POLICIES[policy]
    logs = [inserted(log, [(time, chosen_policy(time, 1, text))]) for log, time in zip(logs, times, strict=True)]
    return list(map(with_contracts, logs)) if policy == "with dates" else logs


@cache
def lived(policy: str) -> Rehearsal:
    return rehearse(log_with(policy), VARIANTS["live"])


def with_contracts(log: list[LogRecord]) -> list[LogRecord]:
    """Some of the customers have contracts with dates, and an operator looks at all of them twice."""
    customers = sorted({one.key.decode() for one in log if one.key and one.key.startswith(b"c-")})
    more: list[tuple[int, bytes | None, bytes | None]] = []
    for number, customer in enumerate(customers):
        dates = [moment_of(START + (40 + 9 * n + number) * DAY) for n in range(4)]
        if number % 3 == 0:
            data = [{"renews_at": dates[0], "plan": "yearly"}, {"renews_at": dates[1]}, {"renews_at": dates[0]}]
            kinds = ("subscription_started", "subscription_changed", "subscription_changed")
            more += [
                told(kind, customer, START + (20 + number + 15 * n) * DAY, said, id=f"{customer}:k{n}")
                for n, (kind, said) in enumerate(zip(kinds, data, strict=True))
            ]
        if number % 6 == 0:
            cancelled = {"renews_at": dates[3]}
            time = START + (52 + number) * DAY
            more.append(told("subscription_cancelled", customer, time, cancelled, id=f"{customer}:end"))
        if number % 4 == 0:
            told_of = {"marketing": True, "channels": ["email"], "expires": dates[2]}
            more.append(told("consent_changed", customer, START + (35 + number) * DAY, told_of, id=f"{customer}:yes"))
        more += [
            told("looked_at", customer, time, {}, id=f"{customer}:look{time}")
            for time in (START + 55 * DAY, START + 90 * DAY + number * HOUR)
        ]
    more.append(told("looked_at", "nobody-knows-them", START + 60 * DAY, {}, id="nobody"))
    entries = [(one.timestamp, one.key, one.value) for one in log]
    return log_of(sorted([*entries, *more], key=lambda one: one[0]))


def moment_of(time: int) -> str:
    return f"{datetime.fromtimestamp(time // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def said(world: Rehearsal, role: str) -> list[dict[str, Any]]:
    return [json.loads(output.value) for s in world.shards for output in s.outputs if output.role == role]


@pytest.mark.parametrize(
    "policy", slow_but(POLICIES, ("as it ships", "with budgets", "with dates", "by tier", "learned"))
)
@pytest.mark.parametrize(
    "variant", ["evaluation", *(pytest.param(one, marks=pytest.mark.slow) for one in ("live", "the silent leave"))]
)
def test_it_equals_the_plain_reference(variant: str, policy: str) -> None:
    log = log_with(policy, customers=40 if variant == "live" else 20, days=160 if variant == "live" else 120)
    assert digest(rehearse(log, VARIANTS[variant])) == digest(rehearse(log, VARIANTS[variant], engine=plainly))


def test_there_is_every_sort_of_decision() -> None:
    world = lived("eager")
    decisions, triggers = said(world, "decisions"), said(world, "triggers")
    whats = Counter(one["what"] for one in decisions if one.get("policy"))
    assert set(whats) >= {"decided", "waits", "episode_opened", "void", "delivered", "policy_in_force"}
    kinds = Counter(one["kind"] for one in triggers if one.get("policy") and one["type"] == "trigger")
    assert set(kinds) >= {"care", "useful", "offer", "reward", "service"}
    gates = Counter(gate for one in decisions for held in one.get("candidates", ()) for gate in held.get("gates", ()))
    assert set(gates) >= {"wrong_level", "cap", "once_per", "promotion_open", "condition"}
    assert any(one.get("control") for one in decisions)
    triggered = {one["id"]: one["trigger"] for one in decisions if one["what"] == "decided" and one.get("trigger")}
    sent = [one for one in triggers if one.get("policy") and one["type"] == "trigger"]
    assert triggered == {one["decision"]: one["id"] for one in sent}
    assert len({one["id"] for one in triggers}) == len(triggers)


def test_dates_silences_and_what_is_unanswered_ask() -> None:
    decisions = said(lived("with dates"), "decisions")
    asked = Counter(one["moment"] for one in decisions if one["what"] == "decided")
    assert set(asked) >= {"renewal", "ending", "consent_ends", "lapsed", "kept_waiting", "again_unhappy"}
    assert any(one["what"] == "episode_closed" and one["reason"] == "a contract runs" for one in decisions)


def test_who_is_to_be_left_alone_is() -> None:
    world = lived("quieter")
    decisions = said(world, "decisions")
    gates = {gate for one in decisions for held in one.get("candidates", ()) for gate in held.get("gates", ())}
    assert gates | {one.get("gate") for one in decisions} >= {"ad_free", "in_conversation", "frozen"}


@pytest.mark.parametrize(
    "policy",
    slow_but(("by class", "with budgets", "planned", "with dates", "by tier", "learned"), ("planned", "learned")),
)
@pytest.mark.parametrize(
    ("variant", "batch"),
    [
        pytest.param("live", 1, marks=pytest.mark.slow),
        ("evaluation", 7),
        pytest.param("the silent leave", 33, marks=pytest.mark.slow),
    ],
)
def test_portions_and_bytes_in_between_change_nothing(variant: str, batch: int, policy: str) -> None:
    log = log_with(policy, customers=9, days=90)
    expected = digest(rehearse(log, VARIANTS[variant]))
    parts = replace(VARIANTS[variant], piece_items=batch)
    assert digest(rehearse(log, parts, batch=lambda at: batch)) == expected
    assert digest(ForgetfulWorld(log, parts).run(lambda at: 5 * batch)) == expected


@pytest.mark.parametrize(
    "policy", slow_but(("eager", "with budgets", "with dates", "by tier", "learned"), ("by tier",))
)
def test_row_by_row_it_comes_to_the_same(monkeypatch: pytest.MonkeyPatch, policy: str) -> None:
    log = log_with(policy, customers=30, days=120)
    expected = digest(rehearse(log, VARIANTS["live"]))
    monkeypatch.setattr(piece_run.Run, "to_the_end", isolate_failures)
    monkeypatch.setattr("models.engine.apply.to_the_end_in_line", isolate_failures)
    assert digest(rehearse(log, VARIANTS["live"])) == expected


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["eager", "with budgets", "learned"])
def test_a_walk_that_stops_for_want_of_room_comes_to_the_same(monkeypatch: pytest.MonkeyPatch, policy: str) -> None:
    log = log_with(policy, customers=30, days=120)
    expected = digest(rehearse(log, VARIANTS["live"]))
    monkeypatch.setattr(piece_run, "EFFECTS_A_CALL", 3)
    assert digest(rehearse(log, VARIANTS["live"])) == expected


def test_plans_run_and_those_who_stood_above_a_level_ask_in_turn() -> None:
    decisions = said(lived("planned"), "decisions")
    whats = Counter(one["what"] for one in decisions)
    assert set(whats) >= {"plan_started", "plan_ended", "shadow"}
    assert {one.get("moment") for one in decisions if one.get("trigger")} >= {
        "dunning.2",
        "first_days.1",
        "something_useful.2",
    }
    waits = Counter(one["gate"] for one in decisions if one["what"] == "waits")
    assert waits["carried_over"] > 5
    assert waits["held"]


@pytest.mark.slow
@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_no_wait_is_said_twice_for_one_gate(policy: str) -> None:
    last: dict[tuple[str, str], tuple[str, str]] = {}
    many = 0
    for one in said(lived(policy), "decisions"):
        key = (one.get("customer", ""), one.get("moment", ""))
        if one["what"] == "waits":
            told = one.get("level", ""), one["gate"]
            assert last.get(key) != told or one["gate"] == "outranking", one
            last[key] = told
            many += 1
        elif one["what"] in ("decided", "void"):
            last.pop(key, None)
        elif one["what"] in ("erased", "forgotten"):
            last = {kept: told for kept, told in last.items() if kept[0] != key[0]}
    assert many > 50


def test_a_plan_on_whose_timer_the_engine_raises_is_dead_lettered_once_and_rings_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def raises(given: Given) -> list[Said]:
        if given.touch is None and any(one.due == given.now for one in given.standing.running):
            raise ValueError("a fault of ours")
        return due(given)

    monkeypatch.setattr("models.decisions.moments.due", raises)
    world = rehearse(log_with("planned", customers=30, days=100), VARIANTS["live"])
    letters = [one for one in said(world, "deadletters") if one["code"] == "engine_error"]
    assert letters
    assert len({(one["customer"], one["due"]) for one in letters}) == len(letters)


def test_a_budget_that_runs_dry_is_never_passed_and_an_alarm_holds_marketing() -> None:
    world = rehearse(log_with("with budgets"), VARIANTS["live"])
    decisions = said(world, "decisions")
    waits = Counter(one["gate"] for one in decisions if one["what"] == "waits")
    assert waits["budget"] > 10
    assert waits["alarm"]
    taken = [one for one in said(world, "triggers") if one.get("reserved")]
    assert len(taken) > 50
    assert {one["action"] for one in taken} <= set(LIMITED)
    back = {one["trigger"]: one["time"] for one in decisions if one["what"] == "given_back"}
    weeks: dict[int, list[tuple[int, int]]] = {}
    for one in taken:
        week = weeks.setdefault(period_at("week", "Europe/Berlin", one["time"]).start, [])
        week.append((one["time"], one["reserved"]["letters"]))
        if one["id"] in back:
            week.append((back[one["id"]], -one["reserved"]["letters"]))
    levels = [list(accumulate(units for _, units in sorted(week))) for week in weeks.values()]
    assert max(map(max, levels)) == 9


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.integers(100, 10_000), st.sampled_from(sorted(POLICIES)), st.integers(1, 200), st.integers(1, 20))
def test_it_equals_the_plain_reference_on_any_log_in_any_portions(
    seed: int, policy: str, batch: int, items: int
) -> None:
    log = log_with(policy, seed, 12, 90)
    fast = rehearse(log, replace(VARIANTS["live"], piece_items=items), batch=lambda at: batch)
    assert digest(fast) == digest(rehearse(log, VARIANTS["live"], engine=plainly))


def test_before_a_cut_over_nobody_is_triggered_and_behind_it_open_episodes_ask() -> None:
    log, until = log_with("eager", customers=30, days=120), START + 90 * DAY
    quiet = [rehearse(log, VARIANTS["live"], engine=one, quiet_until=until) for one in (apply, plainly)]
    assert digest(quiet[0]) == digest(quiet[1])
    times = [one["time"] for one in said(quiet[0], "triggers") if one.get("policy")]
    assert len(times) > 5
    assert min(times) >= until


def test_where_a_visit_counts_as_staying_nobody_is_an_existing_customer_by_it() -> None:
    """The record does not tell signs of staying apart: of marketing by email only who consented to it gets any."""
    log = log_with("as it ships", customers=40, days=150)
    sent = {}
    for alive in ("purchase", "engagement"):
        world = rehearse(log, replace(VARIANTS["live"], alive=alive))
        sent[alive] = [one for one in said(world, "triggers") if one.get("policy")]
        decided = said(world, "decisions")
        assert any("no_basis" in (one.get("gate"), *_gates(one)) for one in decided) or alive == "purchase"
    consented = {
        row.key.decode() for part in log for row in part if row.key and b"consent_changed" in (row.value or b"")
    }
    assert {one["customer"] for one in sent["engagement"] if one["purpose"] == "marketing"} <= consented
    assert {one["customer"] for one in sent["purchase"] if one["purpose"] == "marketing"} - consented


def _gates(decision: dict[str, Any]) -> list[str]:
    return [gate for one in decision.get("candidates", ()) for gate in one.get("gates", ())]
