"""The learned choice in the whole engine: a shop answers what it is sent, and what helps whom comes to be known."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from statistics import mean
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.churn import seal, unseal
from models.decisions.choosing.described import DESCRIBED
from models.decisions.choosing.numbers import Numbers
from models.decisions.draw import ONE
from models.learning.learner import Learning, LearningState
from models.settings import DAY, HOUR, MINUTE, SECOND
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from models.timeline.partitioning import partition_of
from models.touchpoints.times import milliseconds
from streams.operations.audit import audit
from tests.reference.engine import apply as plainly
from tests.support.bench import ForgetfulWorld, digest
from tests.support.closed_shop import POLICY, SETTINGS, ClosedShop
from tests.support.kept_topics import lines_of
from tests.support.logs import chosen_policy, inserted, log_of, record, touchpoint

pytestmark = pytest.mark.slow
PROVEN = ("proven",)


@cache
def grown() -> tuple[ClosedShop, Rehearsal]:
    """Some seven months of a shop; to be looked at only."""
    shop = ClosedShop(900, 220)
    return shop, shop.run()


def proven() -> tuple[ClosedShop, Rehearsal]:
    """The same with windows as long as the horizon: who is left alone comes back after three to four weeks, which a
    fortnight from an early draw would not see."""
    shop = ClosedShop(900, 220, policy=POLICY.replace('window = "14d"', 'window = "28d"'))
    return shop, shop.run()


@cache
def small() -> ClosedShop:
    """The log of a shop that is quickly replayed."""
    shop = ClosedShop(60, 120)
    shop.run()
    return shop


@cache
def expected() -> dict[str, str]:
    return digest(rehearse(small().logs, SETTINGS))


def said(world: Rehearsal, role: str) -> list[dict[str, Any]]:
    told = [json.loads(output.value) for s in world.shards for output in s.outputs if output.role == role]
    return sorted(told, key=lambda one: one.get("time", 0))


def draws(world: Rehearsal) -> list[dict[str, Any]]:
    return [one for one in said(world, "decisions") if "drawn" in one]


def of_useful(draw: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in draw["candidates"] if one["action"] == "useful")


def chances(found: list[dict[str, Any]]) -> float:
    return float(mean(of_useful(one)["chance"] / ONE for one in found))


def test_contact_goes_to_whom_it_helps_and_no_more_to_whom_it_harms() -> None:
    shop, world = proven()
    found = draws(world)
    assert len(found) > 1_000
    # Whom contact harms and who is left alone comes back, and so is seldom drawn for in the end: the last two fifths.
    first, last = found[: len(found) // 5], found[-2 * len(found) // 5 :]
    helped, harmed = ([one for one in last if shop.looks_around(one["customer"]) is looks] for looks in (True, False))
    # In the beginning nobody knows; in the end it is proven for those who look around, and rare for the others.
    assert {of_useful(one)["state"] for one in first} == {"unproven"}
    assert chances(helped) > 0.7
    assert chances(harmed) < 0.4
    sure = [mean(of_useful(one)["state"] in PROVEN for one in part) for part in (helped, harmed)]
    assert sure[0] > 0.6 > 0.3 > sure[1]


def test_until_its_price_has_settled_what_is_not_proven_has_its_share_of_each_draw() -> None:
    _, world = grown()
    known = {boundary: one.choice for boundary, one in world.versions.items() if isinstance(one.choice, dict)}
    first = min(boundary for boundary, choice in known.items() if choice["settled"])
    assert first > min(known) + 6 * DAY
    early = [one for one in draws(world) if one["model_version"] < first]
    assert early
    assert max(of_useful(one)["chance"] for one in early if of_useful(one)["state"] == "unproven") <= 0.32 * ONE


def test_a_version_carries_what_is_known_and_the_decision_what_it_was_drawn_by() -> None:
    _, world = grown()
    stated = [version.choice for version in world.versions.values() if isinstance(version.choice, dict)]
    known = [Numbers.of(one) for one in stated]
    contacts = [arm.matured for one in known for arm in one.arms.values()]
    assert contacts == sorted(contacts)
    assert contacts[-1] > 700
    [arm] = known[-1].arms.values()
    assert arm.effect[DESCRIBED.index("visits")] > 0.04
    one = draws(world)[-1]
    assert len(one["drawn"]["features"]) == len(DESCRIBED)
    assert one["drawn"]["worth"] > 0.0
    assert sum(each["chance"] for each in one["candidates"]) == ONE
    assert of_useful(one)["arm"] in known[-1].arms
    assert {each["drawn"]["why"] for each in draws(world)} >= {"best", "explored", "held_out", "no_positive_value"}


def test_labels_beside_treatment_are_left_out_or_weighed() -> None:
    _, world = grown()
    labels = [one for one in said(world, "examples") if one["type"] == "example"]
    found = {one["id"]: one for one in draws(world)}
    opened = [
        (one["customer"], one["time"], one["action"] != "leave_alone" and not one.get("control"))
        for one in found.values()
    ]
    by_customer: dict[str, list[tuple[int, bool]]] = {}
    for customer, time, given_ in opened:
        by_customer.setdefault(customer, []).append((time, given_))
    length = {"churn": SETTINGS.horizon, "return": SETTINGS.tick}
    for one in labels:
        begun = one["snapshot_time"]
        end = begun + length[one["sort"]]
        near = [given_ for time, given_ in by_customer.get(one["customer"], ()) if begun - 14 * DAY < time <= end]
        if one.get("treated"):
            assert any(near)
        elif "untreated" in one:
            assert not all(near)
            assert 0.05 <= one["untreated"] < 1.0
        elif not near:
            assert "untreated" not in one
    assert sum("treated" in one for one in labels) > 500
    assert sum("untreated" in one for one in labels) > 300
    last, version = max(world.versions.items())
    counted = [
        1.0 / one.get("untreated", 1.0)
        for one in labels
        if not one.get("treated") and one["sort"] == "churn" and one["label_time"] <= last
    ]
    assert version.quality["labels"] == round(sum(counted))


def test_every_draw_has_its_outcome_which_the_learner_hears_too() -> None:
    _, world = grown()
    found = {one["id"]: one for one in draws(world)}
    ended = {one["ended"]["decision"]: one for one in said(world, "decisions") if one["what"] == "outcome"}
    taught = {one["decision"]: one for one in said(world, "examples") if one["type"] == "outcome"}
    assert taught.keys() == ended.keys()
    open_ = found.keys() - ended.keys()
    assert ended.keys() <= found.keys()
    now = max(shard.state.time for shard in world.shards)
    assert all(found[name]["time"] > now - 15 * DAY for name in open_)
    for name, one in ended.items():
        assert 0 <= one["time"] - found[name]["time"] - 14 * DAY - SETTINGS.lateness < SECOND
        assert one["ended"]["worth"] == found[name]["drawn"]["worth"] == taught[name]["worth"]
        assert taught[name].get("control", False) == found[name].get("control", False)
    control = [one for one in found.values() if one.get("control")]
    assert control
    assert not any(one.get("trigger") for one in control)


def test_what_happened_in_a_window_counts_however_late_it_is_told() -> None:
    """Purchases are told late, some behind the window's end: what each outcome says is worked out anew from the log."""
    logs: list[list[LogRecord]] = [[], []]
    found = draws(rehearse(small().logs, SETTINGS))
    extra: list[tuple[int, str, bytes]] = []
    for number, one in enumerate(found[::3]):
        opened, ends = -(-one["time"] // SECOND) * SECOND, one["time"] + 14 * DAY
        happened, told_at = (
            (opened - 2 * DAY, opened + DAY),
            (opened + 3 * DAY, ends - DAY),
            (ends - 20 * MINUTE, ends + 30 * MINUTE),
            (ends + 10 * MINUTE, ends + 30 * MINUTE),
            (ends - DAY, ends + 2 * HOUR),
        )[number % 5]
        data = {"amount": 7.0 + number}
        extra.append(
            (told_at, one["customer"], touchpoint("purchase", one["customer"], happened, data, id=f"late-{number}"))
        )
    for partition, log in enumerate(small().logs):
        entries = [(entry.timestamp, entry.key, entry.value) for entry in log]
        entries += [
            (at, name.encode(), value)
            for at, name, value in extra
            if partition_of(name.encode(), 2) == partition and at <= log[-1].timestamp
        ]
        logs[partition] = log_of(sorted(entries, key=lambda entry: entry[0]))
    world = rehearse(logs, SETTINGS)
    bought: dict[str, list[tuple[int, int, float]]] = {}
    for log in logs:
        now = 0
        for entry in log:
            now = max(now, entry.timestamp)
            event = json.loads(entry.value or b"{}")
            if event.get("type", "").endswith("purchase"):
                happened = milliseconds(datetime.fromisoformat(event["time"]))
                bought.setdefault(event["subject"], []).append((now, happened, event["data"]["amount"]))
    outcomes = [one for one in said(world, "decisions") if one["what"] == "outcome"]
    drawn_at = {one["id"]: one["time"] for one in draws(world)}
    late = 0
    for one in outcomes:
        ended = one["ended"]
        opened, ends = ended["opened"], one["time"] - SETTINGS.lateness
        mine = [
            (at, happened, amount)
            for at, happened, amount in bought.get(one["customer"], ())
            if at <= one["time"] and at > drawn_at[ended["decision"]] and opened <= happened < ends
        ]
        late += any(at >= ends for at, *_ in mine)
        assert ended.get("net", 0.0) == pytest.approx(sum(amount for *_, amount in mine), abs=0.02)
        assert ended.get("bought", False) is bool(mine)
    assert late >= 3
    assert digest(world) == digest(rehearse(logs, SETTINGS, engine=plainly))


def test_no_rule_of_the_auditor_is_broken() -> None:
    _, world = grown()
    report = audit(lines_of(world), SETTINGS.lateness)
    assert report.breaches == []
    assert report.triggers["marketing"] > 800


def test_the_plain_reference_says_the_same() -> None:
    assert digest(rehearse(small().logs, SETTINGS, engine=plainly)) == expected()


def test_what_was_done_while_the_log_grew_is_what_its_replay_does() -> None:
    shop = ClosedShop(60, 120)
    assert digest(shop.run()) == expected()


@settings(max_examples=4, deadline=None)
@given(st.integers(1, 900))
def test_any_portions_come_to_the_same_bytes(batch: int) -> None:
    assert digest(rehearse(small().logs, SETTINGS, batch=lambda at: 1 + (at * 7 + batch) % batch)) == expected()


def test_shards_and_learner_that_exist_as_bytes_alone_come_to_the_same() -> None:
    assert digest(ForgetfulWorld(small().logs, SETTINGS).run(lambda at: 400)) == expected()


def test_a_learner_that_goes_on_from_its_state_makes_the_same_versions() -> None:
    world = rehearse(small().logs, SETTINGS)
    learning, versions = Learning(SETTINGS, len(world.shards)), {}
    told = [[one for one in shard.outputs if one.role == "examples"] for shard in world.shards]
    for n, outputs in enumerate(told):
        for one in outputs:
            learning.feed(n, one.sequence, one.sequence, one.value)
    while (version := learning.next_version()) is not None:
        versions[version.boundary] = seal(version, "")
        if len(versions) % 10 == 0:
            state = unseal(seal(learning.state(), "schema"), "schema", LearningState)
            learning = Learning(SETTINGS, len(world.shards), state)
            for n, outputs in enumerate(told):
                for one in outputs:
                    if one.sequence > state.shards[n].sequence:
                        learning.feed(n, one.sequence, one.sequence, one.value)
    assert versions == {boundary: seal(version, "") for boundary, version in world.versions.items()}
    assert sum(isinstance(version.choice, dict) for version in world.versions.values()) > 50


def test_another_policy_in_the_middle_of_windows_changes_what_is_drawn_and_ends_each_all_the_same() -> None:
    logs = small().logs
    middle = logs[0][len(logs[0]) // 2].timestamp
    texts = {
        "by figures": POLICY.replace("learned = true\n", ""),
        "another text": POLICY.replace("useful/picks", "useful/other"),
        "a longer window": POLICY.replace('window = "14d"', 'window = "21d"'),
    }
    for name, text in texts.items():
        changed = [inserted(log, [(middle, chosen_policy(middle, 2, text))]) for log in logs]
        world = rehearse(changed, SETTINGS)
        assert digest(world) == digest(rehearse(changed, SETTINGS, engine=plainly)), name
        found = {one["id"]: one for one in draws(world)}
        ended = [one["ended"]["decision"] for one in said(world, "decisions") if one["what"] == "outcome"]
        assert len(ended) == len(set(ended)), name
        now = max(shard.state.time for shard in world.shards)
        assert all(found[one]["time"] > now - 22 * DAY for one in found.keys() - set(ended)), name
        later = [one for one in said(world, "decisions") if one["what"] == "decided" and one["time"] > middle]
        assert any("drawn" in one for one in later) is (name != "by figures")
        stated = world.versions[max(world.versions)].choice
        assert isinstance(stated, dict)
        [named] = stated["named"].values()
        arm = stated["arms"][named]
        assert len(stated["arms"]) == 1 + (name == "another text")
        if name == "another text":
            contacts = [one for one in said(world, "decisions") if one.get("ended", {}).get("arm")]
            assert 0 < arm["opened"] < len(contacts)


def test_without_the_key_nothing_of_it_is_said_or_kept() -> None:
    by_figures = chosen_policy(small().logs[0][0].timestamp, 1, POLICY.replace("learned = true\n", ""))
    logs = [[record(0, log[0].timestamp, None, by_figures), *log[1:]] for log in small().logs]
    world = rehearse(logs, SETTINGS)
    assert not draws(world)
    assert not any(one["type"] == "outcome" or "choice" in one for one in said(world, "examples"))
    assert all(version.choice is msgspec.UNSET for version in world.versions.values())
    assert world.learning.state().choice is msgspec.UNSET
    assert all(shard.state.draws is msgspec.UNSET for shard in world.shards)
