"""At which hour marketing goes out: where a customer answers best, within a day, and never at a forbidden one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from models.customer.tail import Tail
from models.decisions.best_hour import MOST, at_best, counts_of, note_answer, shares, with_answer
from models.decisions.given import Asks, Given, Touched
from models.decisions.hours import opening
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.standing import Standing
from models.settings import DAY, HOUR, MINUTE
from models.touchpoints.kinds import Kind

POLICY = """
format = 1
zone = "Europe/Berlin"
[risk]
exit = 0.4
levels = [{ name = "slipping", at = 0.5 }]
[channel.email]
[channel.push]
presence = true
[moment.risk]
sort = "risk"
[action.useful]
kind = "useful"
moments = ["risk"]
content = "x"
[contact]
quiet_hours = { start = "21:00", end = "08:00" }
"""
EVENING = POLICY + "[best_hour]\npopulation = [0, 0, 1, 1, 1, 1, 9, 1]\nweight = 4\n"


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def given(now: int, text: str = EVENING, answers: int = 0, touch: Touched | None = None, **known: Any) -> Given:
    policy, standing = PolicyInForce.of(1, text), Standing(answers=answers)
    person = Person(b"c", Tail(**known))
    return Given(policy, person, standing, now, DAY, 0, None, Asks.LEVEL, touch)


def best(asked: Given, channel: str = "email", latest: int = 2**60, purpose: str = "marketing") -> str:
    """When, on the clock of Berlin."""
    hour = opening(asked.policy, asked.person, purpose, channel, asked.now)
    assert hour is not None
    at = at_best(asked, purpose, channel, hour, latest).at
    return datetime.fromtimestamp(at / 1000, ZoneInfo("Europe/Berlin")).isoformat(" ", "minutes")[:16]


def answered(*parts: int) -> int:
    stored = 0
    for part in parts:
        stored = with_answer(stored, part)
    return stored


def test_what_is_usual_counts_where_nothing_is_known_of_a_customer() -> None:
    assert best(given(ms("2026-03-10T08:00:00"))) == "2026-03-10 18:00"


def test_their_own_answers_outweigh_the_usual() -> None:
    morning = answered(*[3] * 5)
    assert best(given(ms("2026-03-10T07:30:00"), answers=morning)) == "2026-03-10 09:00"
    assert best(given(ms("2026-03-10T13:00:00"), answers=morning)) == "2026-03-11 09:00"


def test_in_the_best_hour_it_goes_out_at_once() -> None:
    assert best(given(ms("2026-03-10T18:20:00"))) == "2026-03-10 19:20"


def test_at_its_end_the_next_one_is_waited_for() -> None:
    """Quiet hours begin at nine: ten minutes before it could hardly be sent."""
    assert best(given(ms("2026-03-10T19:50:00"))) == "2026-03-11 18:00"


def test_quiet_hours_are_kept_whatever_would_be_best() -> None:
    night = answered(*[7] * 9)
    assert best(given(ms("2026-03-10T12:00:00"), answers=night)) == "2026-03-10 18:00"


def test_a_moment_is_not_waited_to_death() -> None:
    now = ms("2026-03-10T08:00:00")
    assert best(given(now), latest=now + 2 * HOUR) == "2026-03-10 09:00"


def test_only_marketing_waits_and_only_where_the_policy_says_so() -> None:
    now = ms("2026-03-10T08:00:00")
    assert best(given(now), purpose="care") == "2026-03-10 09:00"
    assert best(given(now, POLICY)) == "2026-03-10 09:00"


def test_who_is_online_there_is_reached_at_once() -> None:
    now = ms("2026-03-10T08:00:00")
    online = {"presence": "push", "presence_at": now - MINUTE}
    assert best(given(now, **online), "push") == "2026-03-10 09:00"
    assert best(given(now, **online), "email") == "2026-03-10 18:00"


def test_where_the_time_of_a_customer_is_not_known_nothing_is_waited_for() -> None:
    text = EVENING.replace('zone = "Europe/Berlin"\n', "")
    assert best(given(ms("2026-03-10T17:00:00"), text, country="US")) == "2026-03-10 19:00"  # eight in Honolulu


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-28T20:30:00", "2026-03-29 18:00"),  # the clock goes forward in that night
        ("2026-10-24T20:30:00", "2026-10-25 18:00"),  # and back in this one
    ],
)
def test_hours_are_those_of_the_clock(now: str, expected: str) -> None:
    assert best(given(ms(now))) == expected


def test_answers_are_counted_in_their_own_hour_and_fade() -> None:
    time = ms("2026-03-10T08:30:00")  # half past nine in Berlin
    step = given(time + 5 * HOUR, touch=Touched(int(Kind.OFFER_OPENED), "t", time, None))
    assert step.touch is not None
    for _ in range(3):
        note_answer(step, step.touch)
    assert counts_of(step.standing.answers) == [0, 0, 0, 3, 0, 0, 0, 0]
    note_answer(step, Touched(int(Kind.OFFER_SENT), "t", time, None))
    assert counts_of(step.standing.answers)[3] == 3
    full = answered(*[3] * MOST, 6, 6)
    assert counts_of(with_answer(full, 6)) == [0, 0, 0, 15, 0, 0, 3, 0]
    assert counts_of(with_answer(full, 3)) == [0, 0, 0, 8, 0, 0, 1, 0]


def test_without_the_key_nothing_is_kept() -> None:
    time = ms("2026-03-10T08:30:00")
    step = given(time, POLICY, touch=Touched(int(Kind.OFFER_OPENED), "t", time, None))
    assert step.touch is not None
    note_answer(step, step.touch)
    assert step.standing == Standing()


def test_the_usual_weighs_as_many_answers_as_the_policy_says() -> None:
    rules = PolicyInForce.of(1, EVENING).policy.best_hour
    assert rules is not None
    assert sum(shares(answered(0, 1, 1), rules)) == pytest.approx(3 + 4)
