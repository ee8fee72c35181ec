"""Budgets over all partitions: what shards take together, what is had again, and what came late."""

from __future__ import annotations

import pytest

from models.settings import DAY, HOUR
from streams.operations.audit import Report, audit
from tests.auditor.broken_caps import BUDGETS
from tests.support.audited import Log

ONE = BUDGETS.replace("most = 10.01", "most = 99")
"""One letter a week, and money for all of them."""
GIFTS = (
    BUDGETS.replace("most = 1\n", "most = 9\n")
    .replace("[action.reminder]", '[action.reminder]\npromotion = true\nvalid = "2h"')
    .replace('cool_down = "20h"', "")
    .replace('declined = "14d"', 'declined = "0d"')
    .replace('expires = "6h"', 'expires = "1h"')
)
"""Money for one gift a day, that can be used for two hours."""


def two(policy: str = ONE) -> tuple[Log, Log]:
    return Log.begun(policy, partition=0), Log.begun(policy, partition=1)


def letter(log: Log) -> str:
    log.touch("cart_abandoned", amount=1)
    return log.send("reminder", "cart")


def judged(*logs: Log) -> Report:
    for log in logs:
        log.clock()
    return audit([log.line for log in logs], HOUR)


def becomes(log: Log, trigger: str, what: str, kind: str) -> None:
    """A report of a trigger, and what the decisions say of it."""
    named = {"coupon_id": log.triggers[-1].coupon} if kind == "coupon_redeemed" else {"trigger_id": trigger}  # type: ignore[union-attr]
    log.touch(kind, **named)
    log.says(what, trigger=trigger)


def test_two_shards_that_take_the_same_letter_are_found() -> None:
    first, second = two()
    second.after("1h")
    letter(first)
    sent = letter(second)
    report = judged(first, second)
    assert [(one.rule, one.name, one.place.partition) for one in report.breaches] == [("budget", sent, 1)]
    assert "2 with this one, 1 of this shard; 0 came late" in report.breaches[0].done
    assert "budget letters from Mon 2026-03-02 00:00:00 in Europe/Berlin has 1" in report.breaches[0].says


def test_what_one_shard_gives_back_another_may_take() -> None:
    first, second = two()
    becomes(first, letter(first), "given_back", "offer_withdrawn")
    second.after("1h")
    letter(second)
    assert judged(first, second).breaches == []


def test_it_must_be_given_back_before() -> None:
    first, second = two()
    sent = letter(first)
    first.after("2h")
    becomes(first, sent, "given_back", "offer_withdrawn")
    second.after("1h")
    letter(second)
    assert {one.rule for one in judged(first, second).breaches} == {"budget"}


def test_what_comes_late_is_excess_and_no_breach() -> None:
    first, second = two()
    sent = letter(first)
    becomes(first, sent, "given_back", "offer_withdrawn")
    second.after("1h")
    letter(second)
    first.after("2h")
    becomes(first, sent, "late", "offer_delivered")
    report = judged(first, second)
    assert report.breaches == []
    assert report.excess == {"letters": 1}


def test_a_shard_counts_what_came_late_to_itself() -> None:
    log = Log.begun(ONE)
    sent = letter(log)
    becomes(log, sent, "given_back", "offer_withdrawn")
    log.after("1d")
    becomes(log, sent, "late", "offer_delivered")
    log.after("1d")
    letter(log)
    assert {one.rule for one in judged(log).breaches} == {"budget"}


def test_a_new_week_begins_on_monday_at_midnight_of_the_policys_zone() -> None:
    log = Log.begun(ONE)
    letter(log)
    log.at("2026-03-09T08:00:00Z")
    letter(log)
    assert judged(log).breaches == []


@pytest.mark.parametrize("what", ["declined", "unused"])
def test_money_of_a_promotion_that_is_not_used_can_be_taken_again(what: str) -> None:
    log = Log.begun(GIFTS)
    sent = letter(log)
    log.touch("offer_delivered", trigger_id=sent, channel="email")
    log.after("3h")
    if what == "declined":
        becomes(log, sent, what, "offer_declined")
    else:
        log.touch("visit")
        log.says(what, trigger=sent)
    letter(log)
    report = judged(log)
    assert [one for one in report.breaches if one.rule == "budget"] == []


def test_money_that_was_used_can_not() -> None:
    log = Log.begun(GIFTS)
    sent = letter(log)
    log.touch("offer_delivered", trigger_id=sent, channel="email")
    log.after("1h")
    becomes(log, sent, "redeemed", "coupon_redeemed")
    letter(log)
    assert {one.rule for one in judged(log).breaches} == {"budget"}


def test_a_promotion_that_is_over_before_its_time_frees_nothing() -> None:
    log = Log.begun(GIFTS)
    sent = letter(log)
    log.touch("offer_delivered", trigger_id=sent, channel="email")
    log.after("1h")
    log.touch("visit")
    log.says("unused", trigger=sent)  # it made room for others in the record
    log.touch("offer_declined", trigger_id=sent)
    letter(log)
    assert "budget" in {one.rule for one in judged(log).breaches}


def test_of_two_policies_in_a_period_the_greater_counts() -> None:
    log = Log.begun(ONE.replace("most = 1\n", "most = 2\n"))
    letter(log)
    log.after("2d")
    log.chooses(ONE, number=2)
    letter(log)
    assert judged(log).breaches == []
    log.at("2026-03-16T09:00:00Z")  # the period before this one is the newer policy's alone
    letter(log)
    log.after("2d")
    letter(log)
    assert {one.rule for one in judged(log).breaches} == {"budget"}


def test_what_was_taken_before_a_time_counts_and_is_not_judged() -> None:
    first, second = two()
    letter(first)
    second.after("1d")
    letter(second)
    lines = [log.line for log in (first, second)]
    assert [one.rule for one in audit(lines, HOUR, since=second.time).breaches] == ["budget"]
    assert audit(lines, HOUR, since=second.time + DAY).breaches == []
