"""The ledger of points on the live path: what the log says is booked once, is told, and can be added up again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.customer.layout import DUE
from models.customer.record import unpack
from models.decisions.points import book
from models.loyalty.account import MAX_LOTS, Account
from models.loyalty.stored import unpack_account
from models.outputs.ledger_entry import LedgerEntry
from models.settings import DAY, HOUR
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from models.timeline.order import time_of
from models.touchpoints import Kind
from streams.operations.audit import audit
from tests.reference.engine import apply as plainly
from tests.support.bench import digest, run_alone
from tests.support.kept_topics import lines_of
from tests.support.logs import DATA, POINTS, START, clock, inserted, log_of, synthetic, told
from tests.support.replies import with_policy
from tests.unit.models.engine.test_life_of_a_moment import BOUGHT, POLICY, SETTINGS, SILENCE, Story, Told
from tests.unit.models.simulation.test_rehearsal import VARIANTS

LEDGER = """
[points]
expires = "60d"
returns_within = "14d"
cancels_within = "10d"
[points.earn.purchases]
touchpoints = ["purchase"]
points = 10
per = 1.0
pending = "7d"
[points.earn.reviews]
touchpoints = ["review"]
points = 50
when = { field = "rating", op = ">=", value = 4 }
[[points.multiply]]
when = { field = "customer_class", op = "==", value = "business" }
times = 1.5
"""
EXPIRES = """
[moment.points_end]
sort = "date"
field = "points_expire"
offset = "-10d"
when = { field = "points_expiring", op = ">=", value = 40 }
within = "5d"
[action.tell]
purpose = "contract"
kind = "service"
moments = ["points_end"]
content = "points"
when = { field = "points", op = ">=", value = 1 }
"""
KEPT = POLICY + LEDGER + EXPIRES
REACHED = (
    KEPT.replace('moments = ["points_end"]', 'moments = ["points_end", "enough"]')
    + """
[moment.enough]
sort = "points"
reaches = 140
when = { field = "purchase_days", op = ">=", value = 1 }
"""
)
FORGIVEN = KEPT.replace("[points]\n", '[points]\nreturns = "forgiven"\n').replace('pending = "7d"\n', "")
BRIEF = (
    (POLICY + LEDGER)
    .replace('pending = "7d"', 'pending = "1d"')
    .replace('expires = "60d"', 'expires = "5d"')
    .replace('cancels_within = "10d"', 'cancels_within = "40d"')
    .replace('returns_within = "14d"', 'returns_within = "40d"')
)
"""Points expire before a return or a cancelled reward can undo no more."""
ENDS = {
    "rolling": KEPT,
    "month": KEPT.replace('expires = "60d"', 'expires = "60d"\nexpires_at = "month"'),
    "year": KEPT.replace('expires = "60d"', 'expires = "0d"\nexpires_at = "year"'),
    "forgiven": FORGIVEN,
    "for good": POLICY + LEDGER.replace('expires = "60d"\n', ""),
    "brief": BRIEF,
    "brief and forgiven": BRIEF.replace("[points]\n", '[points]\nreturns = "forgiven"\n'),
}


def ledger(world: Told | Rehearsal) -> list[dict[str, Any]]:
    """The entries in order."""
    if isinstance(world, Told):
        return world.kept.decisions("ledger")
    said = (json.loads(one.value) for shard in world.shards for one in shard.outputs if one.role == "decisions")
    return [one for one in said if one["what"] == "ledger"]


def booked(world: Told) -> list[tuple[float, str, int, int]]:
    """(day after the purchase, change, balance, pending)"""
    return [
        (
            round((one["time"] - BOUGHT) / DAY, 1),
            one["ledger"]["change"],
            one["ledger"].get("balance", 0),
            one["ledger"].get("pending", 0),
        )
        for one in ledger(world)
    ]


def account_of(value: bytes, name: bytes = b"c") -> Account:
    return unpack_account(unpack(name, value).tail.points)


def test_points_are_pending_then_active_then_they_expire() -> None:
    world = Story(KEPT).run()
    assert booked(world) == [
        (0.0, "earned", 0, 90),
        (7.0, "activated", 90, 0),
        (60.5, "expired", 0, 0),
    ]
    earned = ledger(world)[0]["ledger"]
    assert (earned["rule"], earned["cause"], earned["held"][0][2]) == ("purchases", f"purchase-{BOUGHT}", 90)
    assert account_of(world.kept.records[b"c"]) == Account()


@pytest.mark.parametrize(
    ("ends", "day"), [("month", "2000-03-31T22"), ("year", "2000-12-31T23"), ("rolling", "2000-03-03T23")]
)
def test_they_expire_with_the_end_of_a_stretch_a_month_or_a_year_of_the_zone(ends: str, day: str) -> None:
    earned = ledger(Story(ENDS[ends], days=20).run())[0]["ledger"]["held"][0]
    assert f"{datetime.fromtimestamp(earned[1] / 1000, UTC):%Y-%m-%dT%H}" == day


def test_a_return_a_reward_and_its_end() -> None:
    story = Story(KEPT, days=30).then(1, "review", rating=5).then(2, "return", amount=4.5)
    story = story.then(8, "reward_redeemed", reward="cup", points=60, redemption_id="r-1")
    story = story.then(9, "reward_redeemed", reward="cup", points=60).then(
        10, "reward_redeemed", reward="x", points=1.5
    )
    story = story.then(11, "reward_cancelled", reward="cup", redemption_id="r-1").then(12, "points_adjusted", points=-5)
    story = story.then(13, "return", amount=4.5)
    world = story.run()
    assert booked(world) == [
        (0.0, "earned", 0, 90),
        (1.0, "earned", 50, 90),
        (2.0, "taken_back", 50, 45),
        (7.0, "activated", 95, 0),
        (8.0, "spent", 35, 0),
        (9.0, "refused", 35, 0),
        (10.0, "refused", 35, 0),
        (11.0, "given_back", 95, 0),
        (12.0, "adjusted", 90, 0),
        (13.0, "taken_back", 45, 0),
    ]
    assert [one["ledger"]["why"] for one in ledger(world) if one["ledger"]["change"] == "refused"] == [
        "not_covered",
        "not_whole",
    ]


def test_what_was_spent_is_owed_or_forgiven() -> None:
    def of(text: str) -> int:
        story = Story(text, days=30).then(8, "reward_redeemed", reward="cup", points=60)
        return int(booked(story.then(9, "return", amount=9).run())[-1][2])

    assert (of(KEPT), of(FORGIVEN)) == (-60, 0)


def test_a_multiple_is_rounded_down_at_the_end() -> None:
    story = (
        Story(KEPT, days=3).then(-0.5, "profile_updated", customer_class="business").then(1, "purchase", amount=0.33)
    )
    assert [one["ledger"]["held"][0][2] for one in ledger(story.run())] == [135, 4]


def test_points_about_to_expire_ask_and_what_was_spent_meanwhile_does_not() -> None:
    told_of = Story(KEPT).run()
    [one] = [one for one in told_of.kept.decisions("decided") if one["moment"] == "points_end"]
    assert (one["action"], round((one["time"] - BOUGHT) / DAY)) == ("tell", 50)
    spent = Story(KEPT, days=60).then(20, "reward_redeemed", reward="cup", points=90).run()
    assert [one for one in spent.kept.decisions("decided") if one.get("moment") == "points_end"] == []


def test_a_balance_asks_once_each_time_it_comes_to_so_many_points() -> None:
    story = Story(REACHED, days=60).then(8, "review", rating=5).then(9, "review", rating=5)
    story = story.then(20, "reward_redeemed", reward="cup", points=100).then(30, "review", rating=5)
    story = story.then(31, "reward_redeemed", reward="tea", points=150)
    asked = [one for one in story.run().kept.decisions("decided") if one.get("moment") == "enough"]
    assert [(one["action"], round((one["time"] - BOUGHT) / DAY)) for one in asked] == [("tell", 8), ("tell", 30)]


def test_a_touchpoint_that_comes_twice_earns_once_and_a_late_one_when_it_comes() -> None:
    story = Story(KEPT, days=30).then(1, "review", rating=5)
    story = replace(story, entries=story.entries * 3)
    story = story.at(BOUGHT + DAY, "purchase", arrives=BOUGHT + 20 * DAY, amount=1)
    assert booked(story.run()) == [
        (0.0, "earned", 0, 90),
        (1.0, "earned", 50, 90),
        (7.0, "activated", 140, 0),
        (20.0, "earned", 150, 0),
    ]


def test_what_was_earned_so_long_ago_that_it_has_expired_does_so_at_once() -> None:
    story = Story(KEPT, days=95).at(BOUGHT - 30 * DAY, "purchase", arrives=BOUGHT + 90 * DAY, amount=1)
    assert booked(story.run())[-2:] == [(90.0, "earned", 10, 0), (90.0, "expired", 0, 0)]


def test_an_erasure_ends_the_account() -> None:
    world = Story(KEPT, days=30).then(8, "erase_requested").then(9, "purchase", amount=5).run()
    assert booked(world)[-1] == (8.0, "closed", 0, 0)
    assert world.kept.decisions("erased")[0]["time"] == ledger(world)[-1]["time"]
    assert account_of(world.kept.records[b"c"]) == Account()


def test_a_policy_that_keeps_no_points_lets_time_pass_and_one_that_comes_back_goes_on() -> None:
    story = Story(KEPT, days=40).policy(2, POLICY).then(3, "review", rating=5).policy(20, KEPT, 3)
    story = story.then(21, "reward_redeemed", reward="cup", points=40)
    assert booked(story.run()) == [(0.0, "earned", 0, 90), (7.0, "activated", 90, 0), (21.0, "spent", 50, 0)]


def test_other_rules_of_expiry_leave_what_there_is() -> None:
    story = Story(KEPT, days=40).policy(2, ENDS["year"]).then(3, "review", rating=5)
    lots = account_of(story.run().kept.records[b"c"]).lots
    assert sorted(lots.values()) == [50, 90]


def test_without_a_ledger_nothing_is_kept_or_said() -> None:
    world = (
        Story(POLICY, days=30).then(8, "reward_redeemed", reward="cup", points=60).then(9, "points_adjusted", points=5)
    )
    ran = world.run()
    assert ledger(ran) == []
    assert unpack(b"c", ran.kept.records[b"c"]).tail.points == b""


def test_a_record_with_points_does_not_leave_by_silence() -> None:
    gone = replace(Story(POLICY, days=400), settings=replace(Story().settings, horizon=14 * DAY, forget_after=7 * DAY))
    assert b"c" not in gone.run().kept.records
    kept = replace(gone, text=ENDS["for good"]).run().kept.records[b"c"]
    assert account_of(kept).balance == 90
    assert time_of(unpack(b"c", kept).times[DUE]) > BOUGHT + 30_000 * DAY


def test_history_is_booked_and_nobody_is_triggered_by_it() -> None:
    logs = kept(7, [ENDS["rolling"]], 2, 12, 120)
    cut = START + 90 * DAY
    quiet, loud = (rehearse(logs, VARIANTS["live"], quiet_until=until) for until in (cut, 0))
    entries = [[(one["customer"], one["time"], one["ledger"]) for one in ledger(world)] for world in (quiet, loud)]
    assert entries[0] == entries[1]
    sent = [json.loads(one.value) for shard in quiet.shards for one in shard.outputs if one.role == "triggers"]
    assert min((one["time"] for one in sent), default=cut) >= cut


@pytest.mark.parametrize("batch", [1, 500])
def test_a_timer_on_which_the_ledger_raises_is_told_and_taken_up_a_day_later(
    monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    def sick(account: Account, rules: Any, person: Any, touch: Any, now: int) -> list[LedgerEntry]:
        if touch is None and now == BOUGHT + 7 * DAY:
            raise ValueError("sick")
        return book(account, rules, person, touch, now)

    monkeypatch.setattr("models.engine.ledger.book", sick)
    kept_here = run_alone(Story(KEPT, days=30).log(), SETTINGS, SILENCE, batch)
    [letter] = kept_here.said("deadletters")
    assert (letter["due"], letter["code"]) == (BOUGHT + 7 * DAY, "engine_error")
    told_of = [(one["ledger"]["change"], one["time"] - BOUGHT) for one in kept_here.decisions("ledger")]
    assert told_of == [("earned", 0), ("activated", 8 * DAY)]


@pytest.mark.parametrize("batch", [1, 500])
def test_a_touchpoint_on_which_the_ledger_raises_books_nothing(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    def sick(account: Account, rules: Any, person: Any, touch: Any, now: int) -> list[LedgerEntry]:
        said = book(account, rules, person, touch, now)
        if touch is not None and touch.kind == Kind.REVIEW:
            raise ValueError("sick")
        return said

    monkeypatch.setattr("models.engine.ledger.book", sick)
    story = Story(KEPT, days=30).then(3, "review", rating=5)
    kept_here = run_alone(story.log(), SETTINGS, SILENCE, batch)
    assert [one["event_type"] for one in kept_here.said("deadletters")] == ["review"]
    assert [one["ledger"]["change"] for one in kept_here.decisions("ledger")] == ["earned", "activated"]
    assert account_of(kept_here.records[b"c"]).balance == 90


# -- on logs of many customers


def loyal(seed: int, logs: list[list[LogRecord]]) -> list[list[LogRecord]]:
    """The same, where rewards are cancelled, points are given and taken, and much comes late or twice."""
    random, made = Random(seed), []
    for log in logs:
        entries = [(entry.timestamp, entry.key, entry.value) for entry in log]
        for entry in log:
            if entry.key is None or entry.key.startswith(b"stray"):
                continue
            if random.random() < 0.15:
                kind = random.choice((*POINTS, "reward_redeemed", "return", "review"))
                data = DATA[kind](random) | ({"points": 20} if kind == "reward_redeemed" else {})
                time = entry.timestamp + random.randint(0, 9) * DAY
                late = random.choice((0, 0, 0, 5, 40)) * DAY
                name = f"{kind}-{random.random()}"
                entries.append(told(kind, entry.key.decode(), time, data, id=name, at=time + late))
                if kind == "reward_redeemed" and random.random() < 0.5:
                    undone = time + random.randint(1, 12 * 24) * HOUR
                    entries.append(told("reward_cancelled", entry.key.decode(), undone, {"reward": data["reward"]}))
            if random.random() < 0.08:
                entries += undone_again(random, entry)
            if random.random() < 0.05:
                entries.append((entry.timestamp + random.randint(1, 9) * DAY, entry.key, entry.value))
            if random.random() < 0.003:
                entries.append(told("erase_requested", entry.key.decode(), entry.timestamp))
        made.append(log_of(sorted(entries, key=lambda entry: entry[0])))
    return made


def undone_again(random: Random, entry: LogRecord) -> list[tuple[int, bytes | None, bytes | None]]:
    """An order of several purchases, a reward of most of its points, which comes twice, and what undoes them."""
    assert entry.key is not None
    who, order = entry.key.decode(), f"{random.random()}"
    kinds: list[tuple[str, dict[str, Any]]] = [
        *[("purchase", {"amount": random.choice((9, 5.555, 60)), "order_id": order})] * random.randint(1, 3),
        *[("reward_redeemed", {"reward": "cup", "points": random.choice((50, 90)), "redemption_id": order})] * 2,
        ("return", {"amount": random.choice((9, 20)), "order_id": order}),
        ("return", {"amount": 5}),
        ("reward_cancelled", {"reward": "cup", "redemption_id": order}),
    ]
    if random.random() < 0.3:
        random.shuffle(kinds)
    times = sorted(entry.timestamp + random.randint(0, 12 * 24) * HOUR for _ in kinds)
    return [
        told(kind, who, time, data, id=f"{kind}-{order}-{number}", at=time)
        for number, (time, (kind, data)) in enumerate(zip(times, kinds, strict=True))
    ]


def adds_up(world: Rehearsal, variant: str = "live") -> Counter[str]:
    """What is kept is what was said; the entries by what they are."""
    lots, held, owed = Counter[tuple[str, int]](), Counter[tuple[str, int, int]](), Counter[str]()
    changes = Counter[str]()
    for one in ledger(world):
        entry, who = one["ledger"], one["customer"]
        changes[entry["change"]] += 1
        for expires, points in entry.get("lots", []):
            lots[who, expires] += points
        for active_at, expires, points in entry.get("held", []):
            held[who, active_at, expires] += points
        owed[who] += entry.get("owed", 0)
        assert entry.get("balance", 0) == _sum(lots, who) - owed[who]
        assert entry.get("pending", 0) == _sum(held, who)
    told = VARIANTS[variant]
    assert audit(lines_of(world), told.lateness, leaves=told.leaves).breaches == []
    records = [one for shard in world.shards for one in shard.records.items()]
    for who, account in [(name.decode(), account_of(value, name)) for name, value in records]:
        assert account.lots == {expires: points for (whose, expires), points in lots.items() if whose == who and points}
        assert (account.owed, account.pending) == (owed[who], _sum(held, who))
        assert len(account.lots) <= MAX_LOTS
    return changes


def _sum(counted: Counter[Any], who: str) -> int:
    return sum(points for key, points in counted.items() if key[0] == who)


def kept(seed: int, texts: Iterable[str], partitions: int, customers: int, days: int) -> list[list[LogRecord]]:
    logs = loyal(seed, synthetic(seed, partitions, customers, days))
    for number, text in enumerate(texts, start=1):
        at = START + (number - 1) * days // 2 * DAY
        logs = [with_policy(log, text, number, at) for log in logs]
    last = max(log[-1].timestamp for log in logs) + 15 * DAY
    return [inserted(log, [(last + DAY * n, clock(last + DAY * n)) for n in range(2)]) for log in logs]


@pytest.mark.parametrize(
    ("variant", "texts"),
    [
        pytest.param("live", ("rolling", "month"), marks=pytest.mark.slow),
        ("evaluation", ("forgiven", "year")),
        pytest.param("live", ("brief", "brief and forgiven"), marks=pytest.mark.slow),
    ],
)
def test_it_equals_the_plain_reference_and_adds_up(variant: str, texts: tuple[str, ...]) -> None:
    logs = kept(5, [ENDS[name] for name in texts], 2, 25, 120)
    fast = rehearse(logs, VARIANTS[variant])
    assert digest(fast) == digest(rehearse(logs, VARIANTS[variant], engine=plainly))
    changes = adds_up(fast, variant)
    assert min(changes[name] for name in ("earned", "activated", "spent", "given_back", "taken_back", "expired")) > 0
    assert min(changes[name] for name in ("refused", "adjusted", "closed")) > 0, changes


@pytest.mark.slow
def test_a_warning_that_is_longer_before_an_expiry_than_points_last_comes_once_for_each_lot() -> None:
    early = KEPT.replace('offset = "-10d"', 'offset = "-90d"').replace('within = "5d"', 'within = "60d"')
    world = rehearse(kept(1, (early,), 2, 6, 90), VARIANTS["live"])
    assert audit(lines_of(world), VARIANTS["live"].lateness).breaches == []
    said = [json.loads(one.value) for shard in world.shards for one in shard.outputs if one.role == "triggers"]
    asked = Counter(one["customer"] for one in said if one.get("moment") == "points_end")
    assert max(asked.values()) > 3


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(
    st.integers(1, 10_000),
    st.sampled_from(sorted(ENDS)),
    st.sampled_from(sorted(ENDS)),
    st.integers(1, 90),
    st.integers(1, 9),
)
def test_on_any_log_in_any_portions_it_adds_up(seed: int, first: str, second: str, batch: int, items: int) -> None:
    logs = kept(seed, (ENDS[first], ENDS[second]), 2, 5, 80)
    whole = rehearse(logs, VARIANTS["live"])
    adds_up(whole)
    cut = rehearse(logs, replace(VARIANTS["live"], piece_items=items), batch=lambda at: batch)
    assert digest(cut) == digest(whole)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.integers(1, 10_000), *[st.sampled_from(sorted(ENDS))] * 2, st.sampled_from(sorted(VARIANTS)))
def test_on_any_log_it_equals_the_plain_reference(seed: int, first: str, second: str, variant: str) -> None:
    logs = kept(seed, (ENDS[first], ENDS[second]), 2, 8, 90)
    fast = rehearse(logs, VARIANTS[variant])
    assert digest(fast) == digest(rehearse(logs, VARIANTS[variant], engine=plainly))
    adds_up(fast, variant)
