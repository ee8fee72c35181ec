"""The same for the rules of the loyalty programme's levels."""

from __future__ import annotations

from typing import Any

from models.outputs import Decision
from models.outputs.membership_entry import MembershipEntry
from models.settings import DAY
from tests.auditor.broken import breaks
from tests.auditor.broken_points import LEDGER, YEAR, books
from tests.support.audited import POLICY, Log

MEMBERSHIP = """
[membership]
counts = "spent"
grace = "10d"
levels = [{ name = "silver", at = 10 }, { name = "gold", at = 50 }, { name = "platinum", at = 100 }]
"""
KEPT = POLICY + MEMBERSHIP


def begun(log: Log, text: str = KEPT) -> None:
    log.chooses(text, 2)


def changes(log: Log, change: str, counted: int, level: str = "", **more: Any) -> Decision:
    """An entry, by the touchpoint that came last unless `cause` says otherwise."""
    cause = more.pop("cause", f"t-{len(log.touchpoints) - 1}")
    counts = more.pop("counts", "spent")
    entry = MembershipEntry(change, counts, counted=counted, level=level, cause=cause, **more)
    return log.says("membership", membership=entry)


def buys(log: Log, amount: int, counted: int, level: str = "") -> None:
    log.touch("purchase", amount=amount)
    changes(log, "counted", counted * 100, level, lots=((YEAR, amount * 100),))


def silver(log: Log) -> None:
    begun(log)
    buys(log, 12, 12)
    changes(log, "reached", 1200, "silver")


def platinum(log: Log) -> None:
    begun(log)
    buys(log, 100, 100)
    changes(log, "reached", 10_000, "platinum")


@breaks("level_counted")
def more_than_was_spent(log: Log) -> None:
    begun(log)
    log.touch("purchase", amount=5)
    changes(log, "counted", 600, lots=((YEAR, 600),))


@breaks("level_counted")
def for_longer_than_the_window(log: Log) -> None:
    begun(log)
    log.touch("purchase", amount=5)
    changes(log, "counted", 500, lots=((YEAR + 365 * DAY, 500),))


@breaks("level_counted")
def once_more(log: Log) -> None:
    begun(log)
    buys(log, 4, 4)
    changes(log, "counted", 800, lots=((YEAR, 400),))


@breaks("level_counted")
def by_no_touchpoint(log: Log) -> None:
    begun(log)
    log.clock()
    changes(log, "counted", 400, lots=((YEAR, 400),), cause="")


@breaks("level_counted")
def other_points_than_were_booked(log: Log) -> None:
    text = POLICY + LEDGER + MEMBERSHIP.replace('"spent"', '"points"')
    begun(log, text)
    log.touch("purchase", amount=5)
    books(log, "earned", 5, lots=((YEAR, 5),), rule="purchases")
    changes(log, "counted", 6, lots=((YEAR, 6),), counts="points")


@breaks("points_earned")
def points_of_a_level_that_is_not_reached(log: Log) -> None:
    begun(log, POLICY + LEDGER + MEMBERSHIP.replace("at = 10 ", "at = 10, times = 2.0 "))
    buys(log, 5, 5)
    books(log, "earned", 10, lots=((YEAR, 10),), rule="purchases")


@breaks("level_counted")
def less_than_came_back(log: Log) -> None:
    silver(log)
    log.touch("return", amount=5)
    changes(log, "taken_back", 800, "silver", lots=((YEAR, -400),))
    changes(log, "grace", 800, "silver", until=-(-(log.time + 10 * DAY) // 1000) * 1000)


@breaks("level_counted")
def lapsed_before_its_time(log: Log) -> None:
    begun(log)
    buys(log, 4, 4)
    log.after("30d")
    log.clock()
    changes(log, "lapsed", 0, lots=((YEAR, -400),), cause="")


@breaks("level_counted")
def merged_without_need(log: Log) -> None:
    begun(log)
    buys(log, 4, 4)
    changes(log, "merged", 400, lots=((YEAR, -400), (YEAR + DAY, 400)))


@breaks("level_changed")
def reached_by_too_little(log: Log) -> None:
    begun(log)
    buys(log, 9, 9)
    changes(log, "reached", 900, "silver")


@breaks("level_changed")
def not_the_highest_that_is_reached(log: Log) -> None:
    begun(log)
    buys(log, 60, 60)
    changes(log, "reached", 6000, "silver")


@breaks("level_changed")
def lost_by_two_steps(log: Log) -> None:
    platinum(log)
    log.touch("return", amount=95)
    changes(log, "taken_back", 500, "platinum", lots=((YEAR, -9500),))
    changes(log, "grace", 500, "platinum", until=-(-(log.time + 10 * DAY) // 1000) * 1000)
    log.after("10d")
    log.clock()
    changes(log, "lowered", 500, "silver", before="platinum", cause="")


@breaks("level_changed")
def lost_before_the_grace_is_over(log: Log) -> None:
    silver(log)
    log.touch("return", amount=5)
    changes(log, "taken_back", 700, "silver", lots=((YEAR, -500),))
    changes(log, "grace", 700, "silver", until=-(-(log.time + 10 * DAY) // 1000) * 1000)
    log.after("9d")
    log.clock()
    changes(log, "lowered", 700, before="silver", cause="")


@breaks("level_changed")
def a_grace_that_is_too_short(log: Log) -> None:
    silver(log)
    log.touch("return", amount=5)
    changes(log, "taken_back", 700, "silver", lots=((YEAR, -500),))
    changes(log, "grace", 700, "silver", until=-(-(log.time + 9 * DAY) // 1000) * 1000)


@breaks("level_changed")
def kept_by_too_little(log: Log) -> None:
    silver(log)
    log.touch("return", amount=5)
    changes(log, "taken_back", 700, "silver", lots=((YEAR, -500),))
    changes(log, "grace", 700, "silver", until=-(-(log.time + 10 * DAY) // 1000) * 1000)
    changes(log, "kept", 700, "silver")


@breaks("level_changed")
def closed_while_the_policy_has_one(log: Log) -> None:
    silver(log)
    log.clock()
    changes(log, "closed", 0, before="silver", lots=((YEAR, -1200),), cause="")


@breaks("level_changed")
def renamed_though_the_policy_knows_it(log: Log) -> None:
    silver(log)
    changes(log, "renamed", 1200, "silver", before="silver")


@breaks("level_sum")
def a_sum_that_is_none_of_its_entries(log: Log) -> None:
    begun(log)
    log.touch("purchase", amount=5)
    changes(log, "counted", 700, lots=((YEAR, 500),))


@breaks("level_unsaid")
def counted_and_not_said(log: Log) -> None:
    begun(log)
    log.touch("purchase", amount=5)
    log.says("consent")


@breaks("level_unsaid")
def reached_and_not_said(log: Log) -> None:
    begun(log)
    buys(log, 12, 12)


@breaks("level_unsaid")
def no_grace_begins(log: Log) -> None:
    silver(log)
    log.touch("return", amount=5)
    changes(log, "taken_back", 700, "silver", lots=((YEAR, -500),))


@breaks("level_unsaid")
def lapsed_and_not_said(log: Log) -> None:
    begun(log)
    buys(log, 4, 4)
    log.at("2027-01-01T00:00:00Z")
    log.clock()


@breaks("level_unsaid")
def erased_and_not_closed(log: Log) -> None:
    silver(log)
    log.touch("erase_requested")
    log.says("erased")


@breaks("no_cause")
def asked_by_a_level_that_was_not_reached(log: Log) -> None:
    text = KEPT + '[moment.up]\nsort = "membership"\nchange = "reached"\n'
    begun(log, text.replace('moments = ["harm"]', 'moments = ["harm", "up"]'))
    buys(log, 4, 4)
    log.send("sorry", "up")
