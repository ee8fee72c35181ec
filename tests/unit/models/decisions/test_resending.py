"""What was stopped before it was sent goes out once nothing stops it: the same action, of the same decision, once."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.customer.restrictions import ACTION_PURPOSES
from models.decisions.given import again_id
from models.decisions.resending import SPREAD
from models.decisions.standing import OTHERS, Outstanding, Stage, Standing, channel_number
from models.decisions.standing_stored import pack_standing, unpack_standing
from models.decisions.unsent import Unsent
from models.settings import DAY, HOUR
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from models.timeline.stop_types import Stop
from tests.reference.engine import apply as plainly
from tests.support.bench import digest
from tests.support.families import slow_but
from tests.support.logs import START, clock, inserted, resumed, stopped, touchpoint
from tests.support.one_customer import NOW, Customer
from tests.unit.models.decisions.test_plans import IN_FORCE
from tests.unit.models.engine.test_stops_in_force import at, said, triggers, written
from tests.unit.models.simulation.test_rehearsal import VARIANTS

STOP, BEGINS, ENDS = 7, 30.0, 31.0


@cache
def plain() -> Rehearsal:
    return rehearse([written()], VARIANTS["live"])


@cache
def victims() -> tuple[dict[str, Any], dict[str, Any]]:
    """A trigger of risk and one of a touchpoint, each soon before the stop."""
    found = [one for one in triggers(plain()) if at(21) < one["time"]]
    return (
        next(one for one in found if one["purpose"] == "marketing"),
        next(one for one in found if one["purpose"] == "care"),
    )


def log_of(
    victim: dict[str, Any], *more: tuple[int, bytes], kind: str = "expired_unsent", lasts: int = HOUR
) -> list[LogRecord]:
    """The victim is stopped a minute after it was decided, given back a second later, and let go after `lasts`."""
    begins = victim["time"] + 60_000
    ends = begins + lasts
    told = {"trigger_id": victim["id"]} | ({"reason": "stopped"} if kind == "expired_unsent" else {})
    unsent = touchpoint(kind, victim["customer"], begins + 1_000, told, id=f"unsent-{victim['id']}")
    records = [(begins, stopped(begins, STOP)), (ends, resumed(ends, STOP))]
    records += [(ends + hours * HOUR, clock(ends + hours * HOUR)) for hours in range(1, 9)]
    log = inserted(written(), records)
    entries = [(one.timestamp, one.key, one.value) for one in log]
    place = next(n for n, one in enumerate(entries) if one[0] > begins + 1_000)
    entries.insert(place, (begins + 1_000, victim["customer"].encode(), unsent))
    return [LogRecord(offset, *entry) for offset, entry in enumerate(entries)]


def of(world: Rehearsal, victim: dict[str, Any], role: str = "triggers") -> list[dict[str, Any]]:
    told = [one for one in said(world, role) if one.get("customer") == victim["customer"]]
    return [one for one in told if one["time"] >= victim["time"]]


@pytest.mark.parametrize("kind", ["expired_unsent", "offer_withdrawn"])
@pytest.mark.parametrize("which", [0, 1])
def test_it_goes_out_again_as_a_further_trigger_of_its_decision_within_hours_of_the_end(which: int, kind: str) -> None:
    victim = victims()[which]
    world = rehearse([log_of(victim, kind=kind)], VARIANTS["live"])
    again = next(one for one in of(world, victim) if one["id"] == again_id(victim["decision"], 2))
    ends = victim["time"] + 60_000 + HOUR
    assert ends <= again["time"] <= ends + max(SPREAD.get(victim["purpose"], HOUR), HOUR) + HOUR
    same = ("action", "moment", "kind", "purpose", "decision", "content")
    assert {name: again.get(name) for name in same} == {name: victim.get(name) for name in same}
    words = [one for one in of(world, victim, "decisions") if victim["id"] in (one.get("trigger"), one["id"])]
    assert "given_back" in {one["what"] for one in words}
    [resent] = [one for one in of(world, victim, "decisions") if one["what"] == "resent"]
    assert (resent["trigger"], resent["time"], resent["at"]) == (again["id"], again["time"], again["at"])
    drawn = [one for one in of(world, victim, "decisions") if one["what"] == "decided" and one["time"] == again["time"]]
    assert not drawn


def test_what_stays_stopped_beyond_its_life_is_not_sent_and_a_second_stop_takes_it_back_again() -> None:
    care = victims()[1]
    world = rehearse([log_of(care, lasts=4 * DAY)], VARIANTS["live"])
    assert again_id(care["decision"], 2) not in {one["id"] for one in triggers(world)}
    [word] = [one for one in of(world, care, "decisions") if one["what"] == "not_resent"]
    assert (word["gate"], word["trigger"]) == ("expired", care["id"])

    once = rehearse([log_of(care)], VARIANTS["live"])
    second = next(one for one in of(once, care) if one["id"] == again_id(care["decision"], 2))
    begins = second["time"] + 60_000
    told = {"trigger_id": second["id"], "reason": "stopped"}
    unsent = touchpoint("expired_unsent", care["customer"], begins, told, id="unsent-again")
    log = [(one.timestamp, one.key, one.value) for one in log_of(care)]
    place = next(n for n, one in enumerate(log) if one[0] > begins)
    log.insert(place, (begins, care["customer"].encode(), unsent))
    twice = rehearse([[LogRecord(offset, *entry) for offset, entry in enumerate(log)]], VARIANTS["live"])
    assert again_id(care["decision"], 3) in {one["id"] for one in of(twice, care)}


def test_one_that_was_taken_back_before_is_not_sent_again_() -> None:
    marketing = victims()[0]
    case = touchpoint(
        "case_opened", marketing["customer"], marketing["time"] + 30_000, {"case_id": "c", "severity": "low"}
    )
    log = log_of(marketing)
    entries = [(one.timestamp, one.key, one.value) for one in log]
    place = next(n for n, one in enumerate(entries) if one[0] > marketing["time"] + 30_000)
    entries.insert(place, (marketing["time"] + 30_000, marketing["customer"].encode(), case))
    world = rehearse([[LogRecord(offset, *entry) for offset, entry in enumerate(entries)]], VARIANTS["live"])
    assert not [one for one in of(world, marketing, "decisions") if one["what"] in ("resent", "not_resent")]


@pytest.mark.parametrize("which", slow_but((0, 1), (1,)))
def test_it_equals_the_plain_reference_for_any_portions(which: int) -> None:
    log = log_of(victims()[which])
    expected = digest(rehearse([log], VARIANTS["live"]))
    assert digest(rehearse([log], VARIANTS["live"], engine=plainly)) == expected
    assert digest(rehearse([log], VARIANTS["live"], batch=lambda at: 7)) == expected


SECONDS = st.integers(0, 2**32 - 1).map(lambda second: second * 1000)
NUMBERS = st.integers(1, 2**32 - 1)


def test_a_reservation_of_another_sender_that_is_given_back_while_something_is_stopped_is_none_of_ours() -> None:
    anna = Customer(IN_FORCE)
    anna.stops = (Stop(1, purposes=("marketing",)),)
    entry = Outstanding(7, NOW, NOW + DAY, 0, channel_number("email"), 0, OTHERS, ACTION_PURPOSES.index("marketing"))
    anna.standing.outstanding = [entry]
    anna.touch("offer_withdrawn", NOW + HOUR, trigger_id=f"{7:032x}")
    assert anna.standing.outstanding[0].stage == Stage.GIVEN_BACK
    assert not anna.standing.unsent


@given(
    unsent=st.lists(
        st.builds(
            Unsent,
            st.integers(0, 2**128 - 1),
            st.integers(0, 2**128 - 1),
            st.integers(1, 255),
            NUMBERS,
            NUMBERS,
            SECONDS,
            SECONDS,
            st.sampled_from([0.0, 0.5, 0.65]),
            SECONDS,
        ),
        max_size=4,
    )
)
def test_it_lies_in_the_record_as_it_was(unsent: list[Unsent]) -> None:
    assert unpack_standing(pack_standing(Standing(unsent=unsent))).unsent == unsent
    assert bool(pack_standing(Standing(unsent=unsent))) is bool(unsent)


def test_ids_of_further_triggers_are_of_their_own() -> None:
    ids = [again_id("0" * 32, times) for times in range(2, 6)]
    assert len({*ids, "0" * 32}) == 5
    assert json.dumps(ids) == json.dumps([again_id("0" * 32, times) for times in range(2, 6)])
    assert at(ENDS) > START
