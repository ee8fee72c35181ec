"""The same for the rules of the loyalty loop."""

from __future__ import annotations

from typing import Any

from models.outputs import Decision
from models.outputs.loyalty_entry import LoyaltyEntry
from tests.auditor.broken import breaks
from tests.support.audited import POLICY, Log

LOOP = """
[loyalty]
half_life = "30d"
lapses_after = "60d"
[moment.praised]
sort = "spoke_well"
[moment.thin]
sort = "date"
field = "customer_since"
offset = "10d"
within = "2d"
when = { field = "missing", op = "contains", value = "topics" }
[moment.one_year]
sort = "date"
field = "anniversary"
[action.thank]
purpose = "care"
kind = "care"
moments = ["praised", "thin", "one_year"]
content = "thanks"
expires = "1d"
"""
KEPT = POLICY + LOOP
OF_STAGE = KEPT + 'when = { field = "stage", op = "==", value = "advocate" }\n'


def says(log: Log, stage: str, index: float | None, former: str = "new", **more: Any) -> Decision:
    """An entry, by the touchpoint that came last unless `cause` says otherwise."""
    cause = more.pop("cause", f"t-{len(log.touchpoints) - 1}")
    return log.says("loyalty", loyalty=LoyaltyEntry(stage, former, index, cause=cause, **more))


def begun(log: Log, text: str = KEPT) -> None:
    """anna buys for the first time on the day of the policy, since when experiences are weighed."""
    log.chooses(text, 2)
    log.touch("purchase", amount=5)
    says(log, "new", 2.0, "")


def praises(log: Log, stage: str = "new", former: str = "new") -> None:
    log.touch("referral")
    says(log, stage, 17.0, former, praise=1, voice="good", way="referral")


@breaks("loop_stage")
def another_stage_before_than_was_said(log: Log) -> None:
    begun(log)
    praises(log, former="active")


@breaks("loop_stage")
def an_advocate_after_one_good_word(log: Log) -> None:
    begun(log)
    praises(log, "advocate")


@breaks("loop_stage")
def active_with_one_purchase(log: Log) -> None:
    begun(log)
    praises(log, "active")


@breaks("loop_stage")
def new_though_two_good_words_make_an_advocate(log: Log) -> None:
    begun(log)
    praises(log)
    log.touch("referral")
    says(log, "new", 32.0, praise=2, voice="good", way="referral")


@breaks("loop_stage")
def lapsed_after_a_week(log: Log) -> None:
    begun(log)
    log.after("7d")
    log.touch("visit")
    says(log, "lapsed", 1.7, "new")


@breaks("loop_stage")
def a_loop_that_no_policy_keeps(log: Log) -> None:
    log.touch("purchase", amount=5)
    says(log, "new", 2.0, "")


@breaks("loop_stage")
def active_while_an_episode_is_open(log: Log) -> None:
    begun(log)
    log.says("episode_opened")
    log.clock()
    praises(log)


@breaks("loop_stage")
def slipping_at_a_risk_below_the_exit(log: Log) -> None:
    begun(log)
    log.touch("referral")
    entry = LoyaltyEntry("slipping", "new", 17.0, 1, 0, "good", "referral", cause=f"t-{len(log.touchpoints) - 1}")
    log.says("loyalty", loyalty=entry, probability=0.2)


@breaks("loop_stage")
def lapsed_with_a_purchase(log: Log) -> None:
    begun(log, KEPT.replace('lapses_after = "60d"', ""))
    log.touch("purchase", amount=5)
    says(log, "lapsed", 4.0)


@breaks("loop_stage")
def won_back_who_never_left(log: Log) -> None:
    begun(log)
    log.touch("purchase", amount=5)
    says(log, "won_back", 4.0)


@breaks("loop_stage")
def won_back_by_a_purchase_from_before(log: Log) -> None:
    begun(log)
    log.clock()
    says(log, "slipping", 2.0, cause="")
    log.touch("purchase", amount=5, ago="1h")
    says(log, "won_back", 4.0, "slipping")


@breaks("loop_unsaid")
def a_good_word_that_nobody_tells(log: Log) -> None:
    begun(log)
    log.touch("referral")
    log.after("1h")


@breaks("loop_unsaid")
def a_word_of_which_nobody_knows_how_it_was_meant_and_that_nobody_tells(log: Log) -> None:
    begun(log)
    log.touch("mention")


@breaks("loop_index")
def a_bad_experience_that_weighs_as_a_good_one(log: Log) -> None:
    begun(log)
    log.touch("review", rating=1)
    says(log, "new", -8.0, blame=1, voice="bad", way="review")


@breaks("loop_index")
def an_index_that_does_not_fade(log: Log) -> None:
    begun(log)
    log.after("30d")
    log.touch("referral")
    says(log, "new", 17.0, praise=1, voice="good", way="referral")


@breaks("loop_voices")
def a_complaint_taken_for_praise(log: Log) -> None:
    begun(log)
    log.touch("review", rating=1)
    says(log, "new", -18.0, praise=1, voice="good", way="review")


@breaks("loop_voices")
def by_a_touchpoint_that_did_not_come(log: Log) -> None:
    begun(log)
    log.touch("referral")
    says(log, "new", 17.0, praise=1, voice="good", way="referral", cause="t-0")


@breaks("no_cause")
def thanks_for_nothing(log: Log) -> None:
    begun(log)
    log.send("thank", "praised")


@breaks("no_cause")
def thanks_for_a_good_word_of_last_week(log: Log) -> None:
    begun(log)
    praises(log)
    log.after("7d")
    log.touch("visit")
    log.send("thank", "praised")


@breaks("date")
def an_anniversary_after_a_month(log: Log) -> None:
    begun(log)
    log.after("30d")
    log.clock()
    log.send("thank", "one_year")


@breaks("date")
def a_thin_record_long_ago(log: Log) -> None:
    begun(log)
    log.after("20d")
    log.clock()
    log.send("thank", "thin")


@breaks("condition")
def for_advocates_alone(log: Log) -> None:
    begun(log, OF_STAGE)
    praises(log)
    log.send("thank", "praised")
