"""While something is stopped no trigger of it is made, what waits goes on waiting, and bytes depend on nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from models.settings import DAY, HOUR
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from tests.reference.engine import apply as plainly
from tests.support.bench import digest
from tests.support.logs import START, chosen_policy, inserted, log_of, resumed, stopped, synthetic, ticking, told
from tests.unit.models.simulation.test_rehearsal import VARIANTS

POLICY = """
format = 1
zone = "UTC"
[risk]
exit = 0.3
levels = [{ name = "at_risk", at = 0.4 }]
[moment.risk]
sort = "risk"
[moment.complaint]
sort = "touchpoint"
touchpoints = ["complaint", "csat", "nps", "case_opened"]
within = "3d"
[action.write]
kind = "useful"
moments = ["risk"]
content = "write"
effect = 10
[action.sorry]
kind = "care"
purpose = "care"
moments = ["complaint"]
content = "sorry"
[channel.email]
[[basis]]
purpose = "marketing"
needs = "nothing"
[choice]
window = "7d"
[control]
share = 0.0
"""


@cache
def plain() -> list[LogRecord]:
    return synthetic(23, partitions=1, customers=60, days=100)[0]


def at(day: float) -> int:
    return START + round(day * DAY)


def written(*records: tuple[float, bytes], policy: bool = True) -> list[LogRecord]:
    first = [(at(20), chosen_policy(at(20), 1, POLICY))] if policy else []
    return inserted(plain(), [*first, *((at(day), value) for day, value in records)])


def said(world: Rehearsal, role: str) -> list[dict[str, Any]]:
    return [json.loads(output.value) for output in world.shards[0].outputs if output.role == role]


def triggers(world: Rehearsal, purpose: str | None = None) -> list[dict[str, Any]]:
    return [
        one for one in said(world, "triggers") if one["type"] == "trigger" and purpose in (None, one.get("purpose"))
    ]


def times(found: Iterable[dict[str, Any]], begin: float, end: float) -> list[int]:
    return [one["time"] for one in found if at(begin) < one["time"] < at(end)]


def test_nothing_that_fits_is_triggered_while_it_is_stopped_and_all_else_is() -> None:
    whole = rehearse([written()], VARIANTS["live"])
    assert times(triggers(whole, "marketing"), 22.5, 40)
    assert times(triggers(whole, "care"), 22.5, 40)
    log = written((22.5, stopped(at(22.5), 7, purposes=["marketing"])), (40, resumed(at(40), 7)))
    held = rehearse([log], VARIANTS["live"])
    assert not times(triggers(held, "marketing"), 22.5, 40)
    assert times(triggers(held, "care"), 22.5, 40) == times(triggers(whole, "care"), 22.5, 40)
    assert times(triggers(held, "marketing"), 40, 47)
    waits = [one for one in said(held, "decisions") if one.get("gate") == "stopped"]
    assert {one["what"] for one in waits} == {"waits"}
    assert {one["moment"] for one in waits} == {"risk"}
    changes = [one for one in said(held, "decisions") if one["what"] in ("stopped", "resumed")]
    assert [(one["what"], one["time"], one["reason"]) for one in changes] == [
        ("stopped", at(22.5), "stop 7: purpose marketing; by ada: a try"),
        ("resumed", at(40), "stop 7; by ada"),
    ]


def test_a_touchpoint_s_moment_is_looked_at_every_hour_and_ends_with_its_life() -> None:
    held = rehearse([written((22.5, stopped(at(22.5), 7)))], VARIANTS["live"])
    assert not times(triggers(held), 22.5, 100)
    story = [one for one in said(held, "decisions") if one.get("moment") == "complaint" and one["time"] > at(22.5)]
    first = story[0]["customer"]
    waits = [one for one in story if one["customer"] == first and one["what"] == "waits"]
    assert {one["until"] - one["time"] for one in waits[:20]} <= set(range(HOUR, HOUR + 1000))  # in whole seconds
    ends = next(one for one in story if one["customer"] == first and one["what"] == "decided")
    assert ends["gate"] == "expired"
    assert ends["time"] - waits[0]["time"] <= 3 * DAY


def test_without_a_policy_it_stops_as_well_and_the_episode_asks_again_afterwards() -> None:
    log = written((22.5, stopped(at(22.5), 7, purposes=["marketing"])), (40, resumed(at(40), 7)), policy=False)
    held, whole = rehearse([log], VARIANTS["live"]), rehearse([written(policy=False)], VARIANTS["live"])
    assert len(times(triggers(whole), 22.5, 40)) >= 2
    assert {one["action"] for one in triggers(held) if at(22.5) < one["time"] < at(40)} <= {"care"}
    told = [one for one in said(held, "decisions") if "stop 7 of purpose marketing" in one["reason"]]
    assert {one["action"] for one in told if one["what"] != "stopped"} == {"leave_alone"}
    late = {one.get("customer") for one in told} & {one["customer"] for one in triggers(held) if one["time"] > at(40)}
    assert late


@pytest.mark.parametrize("batch", [1, 7])
def test_an_episode_that_a_stop_holds_asks_again_at_its_very_next_estimate(batch: int) -> None:
    """The one that opens it and those behind it stand in one piece of the line."""
    visits = [told("visit", "c", at(9) + hour * HOUR, {"seconds": 9}) for hour in range(1, 9)]
    first = [(at(0), None, stopped(at(0), 7)), told("purchase", "c", at(1), {"amount": 9})]
    log = log_of([*first, *visits, ticking(at(11))])
    low = replace(VARIANTS["live"], enter=0.02, exit=0.01)
    whole, parts = rehearse([log], low), rehearse([log], low, batch=lambda at: batch)
    asked = [one["time"] for one in said(whole, "decisions") if one["what"] == "episode_continued"]
    assert set(asked) >= {at(9) + hour * HOUR for hour in range(2, 9)}
    assert digest(parts) == digest(whole)


WORD = st.one_of(
    st.tuples(
        st.just("stop"), st.integers(1, 4), st.sampled_from([{}, {"purposes": ["marketing"]}, {"kinds": ["care"]}])
    ),
    st.tuples(st.just("resume"), st.integers(1, 4), st.just({})),
)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(words=st.lists(WORD, min_size=1, max_size=6), order=st.randoms(use_true_random=False), batch=st.integers(1, 400))
def test_any_order_of_operators_and_any_portions_give_the_same_bytes(words: list[Any], order: Any, batch: int) -> None:
    """At one place of the line; what is said of the words themselves is in their order."""
    shuffled = list(words)
    order.shuffle(shuffled)

    def world(some: list[Any], portions: int) -> Rehearsal:
        records = [
            (61.0, stopped(at(61), number, **selectors) if what == "stop" else resumed(at(61), number))
            for what, number, selectors in some
        ]
        return rehearse([written(*records)], VARIANTS["live"], batch=lambda at: portions)

    one, other = world(words, 500), world(shuffled, batch)
    assert one.shards[0].records == other.shards[0].records
    mine, theirs = (said(w, "triggers") for w in (one, other))
    assert [(say["id"], say["time"]) for say in mine] == [(say["id"], say["time"]) for say in theirs]
    stops = [w.shards[0].state.stops for w in (one, other)]
    same_number = len({number for what, number, _ in words if what == "stop"}) < sum(w[0] == "stop" for w in words)
    assert stops[0] == stops[1] or same_number
    assert digest(one) == digest(world(words, batch))


@pytest.mark.slow
@pytest.mark.parametrize("policy", [True, False])
def test_it_equals_the_plain_reference(policy: bool) -> None:
    log = written(
        (50, stopped(at(50), 3, kinds=["care"])),
        (60, stopped(at(60), 7, purposes=["marketing"])),
        (70, resumed(at(70), 3)),
        (80, resumed(at(80), 7)),
        policy=policy,
    )
    assert digest(rehearse([log], VARIANTS["live"], engine=plainly)) == digest(rehearse([log], VARIANTS["live"]))
    parts = replace(VARIANTS["live"], piece_items=7)
    assert digest(rehearse([log], parts, batch=lambda at: 33)) == digest(rehearse([log], VARIANTS["live"]))


def test_one_more_than_a_shard_keeps_is_a_dead_letter_and_a_shard_without_stops_has_none() -> None:
    many = [(61.0, stopped(at(61), number)) for number in range(1, 34)]
    world = rehearse([written(*many)], VARIANTS["live"])
    assert [(one["code"], one["event_type"]) for one in said(world, "deadletters") if one["code"] == "unfit_stop"] == [
        ("unfit_stop", "stopped")
    ]
    assert rehearse([written()], VARIANTS["live"]).shards[0].state.stops is UNSET
