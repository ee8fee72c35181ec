"""The same for the rules of the ledger of points."""

from __future__ import annotations

from typing import Any

from models.outputs import Decision
from models.outputs.ledger_entry import LedgerEntry
from models.settings import DAY
from tests.auditor.broken import breaks
from tests.support.audited import POLICY, Log

LEDGER = """
[points]
expires = "0d"
expires_at = "year"
returns_within = "14d"
[points.earn.purchases]
touchpoints = ["purchase"]
points = 1
per = 1.0
[points.earn.reviews]
touchpoints = ["review"]
points = 50
pending = "7d"
"""
KEPT = POLICY + LEDGER
YEAR, NEXT_YEAR = 1_798_758_000_000, 1_830_294_000_000
"""New year in Berlin, 2027 and 2028."""


def begun(log: Log, text: str = KEPT) -> None:
    log.chooses(text, 2)


def books(log: Log, change: str, balance: int, **more: Any) -> Decision:
    """An entry, by the touchpoint that came last unless `cause` says otherwise."""
    cause = more.pop("cause", f"t-{len(log.touchpoints) - 1}")
    return log.says("ledger", ledger=LedgerEntry(change, balance=balance, cause=cause, **more))


def buys(log: Log, amount: int, balance: int, **data: Any) -> None:
    log.touch("purchase", amount=amount, **data)
    books(log, "earned", balance, lots=((YEAR, amount),), rule="purchases")


def redeems(log: Log, points: int, balance: int, **data: Any) -> None:
    log.touch("reward_redeemed", reward="cup", points=points, **data)
    books(log, "spent", balance, lots=((YEAR, -points),))


@breaks("points_earned")
def more_than_the_rule_says(log: Log) -> None:
    begun(log)
    log.touch("purchase", amount=20)
    books(log, "earned", 21, lots=((YEAR, 21),), rule="purchases")


@breaks("points_earned")
def for_longer_than_the_rule_says(log: Log) -> None:
    begun(log)
    log.touch("purchase", amount=20)
    books(log, "earned", 20, lots=((NEXT_YEAR, 20),), rule="purchases")


@breaks("points_earned")
def at_once_where_they_should_be_pending(log: Log) -> None:
    begun(log)
    log.touch("review", rating=5)
    books(log, "earned", 50, lots=((YEAR, 50),), rule="reviews")


@breaks("points_earned")
def twice(log: Log) -> None:
    begun(log)
    buys(log, 20, 20)
    books(log, "earned", 40, lots=((YEAR, 20),), rule="purchases")


@breaks("points_time")
def active_before_their_time(log: Log) -> None:
    begun(log)
    log.touch("review", rating=5)
    at = log.time + 7 * DAY
    books(log, "earned", 0, held=((at, YEAR, 50),), pending=50, rule="reviews")
    log.after("6d")
    log.clock()
    books(log, "activated", 50, held=((at, YEAR, -50),), lots=((YEAR, 50),), cause="")


@breaks("points_time")
def expired_before_their_time(log: Log) -> None:
    begun(log)
    buys(log, 20, 20)
    log.after("30d")
    log.clock()
    books(log, "expired", 0, lots=((YEAR, -20),), cause="")


@breaks("points_spent")
def from_the_newest_lot(log: Log) -> None:
    begun(log)
    log.touch("points_adjusted", points=5)
    books(log, "adjusted", 5, lots=((YEAR, 5),))
    log.at("2026-12-31T22:59:00Z")
    log.touch("purchase", amount=20)
    books(log, "earned", 25, lots=((YEAR, 20),), rule="purchases")
    log.chooses(KEPT.replace('"0d"', '"365d"'), 3)
    log.touch("purchase", amount=20)
    books(log, "earned", 45, lots=((NEXT_YEAR, 20),), rule="purchases")
    log.touch("reward_redeemed", reward="cup", points=10)
    books(log, "spent", 35, lots=((NEXT_YEAR, -10),))


@breaks("points_spent")
def refused_though_it_is_covered(log: Log) -> None:
    begun(log)
    buys(log, 20, 20)
    log.touch("reward_redeemed", reward="cup", points=20)
    books(log, "refused", 20, asked=20, why="not_covered")


@breaks("points_given_back")
def less_than_was_taken(log: Log) -> None:
    begun(log)
    buys(log, 20, 20)
    redeems(log, 15, 5)
    log.touch("reward_cancelled", reward="cup")
    books(log, "given_back", 15, lots=((YEAR, 10),))


@breaks("points_given_back")
def of_a_reward_that_nobody_redeemed(log: Log) -> None:
    begun(log)
    buys(log, 20, 20)
    log.touch("reward_cancelled", reward="cup")
    books(log, "given_back", 25, lots=((YEAR, 5),))


@breaks("points_taken_back")
def more_than_the_refunded_share(log: Log) -> None:
    begun(log)
    buys(log, 20, 20, order_id="a")
    log.touch("return", amount=10, order_id="a")
    books(log, "taken_back", 0, lots=((YEAR, -20),), asked=20)


@breaks("points_taken_back")
def of_an_order_that_has_earned_nothing(log: Log) -> None:
    begun(log)
    buys(log, 20, 20, order_id="a")
    log.touch("return", amount=10, order_id="b")
    books(log, "taken_back", 10, lots=((YEAR, -10),), asked=10)


@breaks("points_owed")
def owed_where_it_is_forgiven(log: Log) -> None:
    begun(log, KEPT.replace("[points]\n", '[points]\nreturns = "forgiven"\n'))
    buys(log, 20, 20)
    redeems(log, 15, 5)
    log.touch("return", amount=20)
    books(log, "taken_back", -15, lots=((YEAR, -5),), owed=15, asked=20)


@breaks("points_adjusted")
def more_than_was_given(log: Log) -> None:
    begun(log)
    log.touch("points_adjusted", points=5)
    books(log, "adjusted", 6, lots=((YEAR, 6),))


@breaks("points_lots")
def merged_without_need(log: Log) -> None:
    begun(log)
    buys(log, 20, 20)
    books(log, "merged", 20, lots=((YEAR, -20), (NEXT_YEAR, 20)))


@breaks("no_cause")
def asked_by_a_balance_that_was_not_reached(log: Log) -> None:
    text = KEPT + '[moment.enough]\nsort = "points"\nreaches = 50\n'
    begun(log, text.replace('moments = ["harm"]', 'moments = ["harm", "enough"]'))
    buys(log, 20, 20)
    log.send("sorry", "enough")


def rewarded(log: Log) -> None:
    catalogue = '[reward.cup]\npoints = 20\n[reward.mug]\npoints = 50\n[moment.enough]\nsort = "points"\n'
    text = KEPT.replace('moments = ["harm"]', 'moments = ["harm", "enough"]\nreward = true')
    begun(log, text + catalogue)


@breaks("unlike_policy")
def another_reward_than_the_one_within_reach(log: Log) -> None:
    rewarded(log)
    buys(log, 20, 20)
    log.send("sorry", "enough", parameters={"reward": "mug"})


@breaks("condition")
def of_a_reward_that_was_spent(log: Log) -> None:
    rewarded(log)
    buys(log, 20, 20)
    redeems(log, 5, 15)
    log.send("sorry", "enough")


@breaks("points_sum")
def a_balance_that_is_none_of_its_entries(log: Log) -> None:
    begun(log)
    buys(log, 20, 25)


@breaks("points_sum")
def closed_with_something_left(log: Log) -> None:
    begun(log)
    buys(log, 20, 20)
    log.touch("erase_requested")
    books(log, "closed", 0, lots=((YEAR, -15),), cause="")
    books(log, "closed", 0, lots=((YEAR, -5),), cause="")


@breaks("points_unsaid")
def earned_and_not_booked(log: Log) -> None:
    begun(log)
    log.touch("purchase", amount=20)
    log.says("consent")


@breaks("points_unsaid")
def redeemed_and_not_booked(log: Log) -> None:
    begun(log)
    buys(log, 20, 20)
    log.touch("reward_redeemed", reward="cup", points=15)


@breaks("points_unsaid")
def expired_and_not_booked(log: Log) -> None:
    begun(log)
    buys(log, 20, 20)
    log.at("2027-01-01T00:00:00Z")
    log.clock()


@breaks("points_unsaid")
def erased_and_not_closed(log: Log) -> None:
    begun(log)
    buys(log, 20, 20)
    log.touch("erase_requested")
    log.says("erased")


@breaks("points_spent")
def spent_twice_by_one_redemption(log: Log) -> None:
    begun(log)
    buys(log, 20, 20)
    redeems(log, 5, 15, redemption_id="x")
    redeems(log, 5, 10, redemption_id="x")


@breaks("points_taken_back")
def refunded_once_for_each_purchase_of_an_order(log: Log) -> None:
    begun(log)
    buys(log, 20, 20, order_id="a")
    buys(log, 10, 30, order_id="a")
    log.touch("return", amount=10, order_id="a")
    books(log, "taken_back", 10, lots=((YEAR, -20),), asked=20)


@breaks("points_taken_back")
def owed_though_they_have_expired(log: Log) -> None:
    begun(log)
    log.at("2026-12-30T12:00:00Z")
    buys(log, 20, 20, order_id="a")
    log.at("2026-12-31T23:00:00Z")
    log.clock()
    books(log, "expired", 0, lots=((YEAR, -20),), cause="")
    log.touch("return", amount=20, order_id="a")
    books(log, "taken_back", -20, owed=20, asked=20)


@breaks("points_given_back")
def given_back_though_they_were_forgiven(log: Log) -> None:
    begun(log, KEPT.replace('expires = "0d"', 'returns = "forgiven"\nexpires = "0d"'))
    buys(log, 20, 20, order_id="a")
    redeems(log, 20, 0, redemption_id="x")
    log.touch("return", amount=20, order_id="a")
    books(log, "taken_back", 0, asked=20)
    log.touch("reward_cancelled", reward="cup", redemption_id="x")
    books(log, "given_back", 20, lots=((YEAR, 20),))


@breaks("points_given_back")
def expired_and_made_up_for_what_is_owed(log: Log) -> None:
    begun(log)
    log.at("2026-12-30T12:00:00Z")
    buys(log, 20, 20, order_id="a")
    redeems(log, 20, 0, redemption_id="x")
    log.touch("return", amount=20, order_id="a")
    books(log, "taken_back", -20, owed=20, asked=20)
    log.at("2027-01-02T12:00:00Z")
    log.touch("reward_cancelled", reward="cup", redemption_id="x")
    books(log, "given_back", 0, owed=-20)


@breaks("points_unsaid")
def a_return_that_takes_nothing_and_is_not_refused(log: Log) -> None:
    begun(log)
    log.touch("return", amount=20, order_id="a")
    log.says("consent")
