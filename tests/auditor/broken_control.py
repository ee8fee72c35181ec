"""Streams in which the control group, or a draw, is not what the policy says."""

from __future__ import annotations

from msgspec.structs import replace

from tests.auditor.broken import breaks
from tests.support.audited import POLICY, Log


@breaks("control")
def marketing_to_who_is_of_the_control_group(log: Log) -> None:
    log.chooses(POLICY.replace("share = 0.0", "share = 1.0"), number=2)
    log.send("useful", "risk", level="slipping")


@breaks("control")
def marketing_to_a_household_of_the_control_group(log: Log) -> None:
    log.chooses(POLICY.replace("share = 0.0", "share = 0.1"), number=2)
    log.touch("profile_updated", account="house-53")  # which is of the tenth, and anna is not
    log.send("useful", "risk", level="slipping")


@breaks("control")
def marketing_to_who_was_exempt_from_control_by_a_plan_that_is_over(log: Log) -> None:
    log.chooses(POLICY.replace("share = 0.0", 'share = 1.0\nexempt_plans = ["plus"]'), number=2)
    log.touch("subscription_started", plan="plus")
    log.touch("subscription_cancelled")
    log.send("useful", "risk", level="slipping")


@breaks("control")
def a_decision_that_does_not_say_that_the_customer_is_exempt(log: Log) -> None:
    log.chooses(POLICY.replace("share = 0.0", 'share = 1.0\nexempt_programmes = ["gold"]'), number=2)
    log.touch("programme_joined", programme="gold")
    log.send("useful", "risk", level="slipping")


@breaks("control")
def a_decision_that_says_exempt_of_who_is_not(log: Log) -> None:
    log.send("useful", "risk", level="slipping", decision={"exempt": True})


@breaks("control")
def marketing_where_the_decision_says_control(log: Log) -> None:
    log.send("useful", "risk", level="slipping", decision={"control": True})


@breaks("chances")
def chances_that_are_more_than_one(log: Log) -> None:
    log.send("useful", "risk", level="slipping")
    more = tuple(replace(one, chance=one.chance + 1) for one in log.decisions[-1].candidates)
    log.decisions[-1] = replace(log.decisions[-1], candidates=more)


@breaks("score")
def a_score_of_other_figures(log: Log) -> None:
    log.send("useful", "risk", level="slipping")
    alone, useful = log.decisions[-1].candidates
    log.decisions[-1] = replace(log.decisions[-1], candidates=(alone, replace(useful, score=0.5)))


@breaks("score")
def what_is_worth_less_is_likelier(log: Log) -> None:
    worse = POLICY.replace('kind = "useful"\nmoments = ["risk"]', 'kind = "useful"\neffect = -1.0\nmoments = ["risk"]')
    log.chooses(worse, number=2)
    log.send("useful", "risk", level="slipping")
    alone, useful = log.decisions[-1].candidates
    log.decisions[-1] = replace(log.decisions[-1], candidates=(alone, replace(useful, score=-1.0)))


@breaks("draw")
def what_did_not_fall(log: Log) -> None:
    less = 2**32 // 100
    log.send("useful", "risk", level="slipping", propensity=less / 2**32)
    alone, useful = log.decisions[-1].candidates
    candidates = (replace(alone, chance=2**32 - less), replace(useful, chance=less))
    log.decisions[-1] = replace(log.decisions[-1], candidates=candidates)


@breaks("drawn_at_zero")
def what_was_drawn_had_no_chance(log: Log) -> None:
    log.send("useful", "risk", level="slipping", propensity=0.0)
    alone, useful = log.decisions[-1].candidates
    held = (replace(alone, chance=2**32), replace(useful, chance=0, gates=("cap",)))
    log.decisions[-1] = replace(log.decisions[-1], candidates=held)


@breaks("propensity")
def another_propensity(log: Log) -> None:
    log.send("useful", "risk", level="slipping", propensity=0.5)


@breaks("window")
def drawn_twice_in_a_window(log: Log) -> None:
    for level in ("slipping", "leaving"):
        log.touch("offer_delivered", trigger_id=log.send("useful", "risk", level=level), channel="email")
        log.after("14d")


@breaks("level_once")
def a_level_that_asks_twice(log: Log) -> None:
    log.says("episode_opened")
    for _ in range(2):
        log.touch("offer_delivered", trigger_id=log.send("useful", "risk", level="slipping"), channel="email")
        log.after("29d")


@breaks("level_once")
def a_level_that_waits_and_asks_twice(log: Log) -> None:
    log.says("episode_opened")
    for _ in range(2):
        log.says("waits", moment="risk", level="slipping", gate="hours", policy=log.named)
        log.touch("offer_delivered", trigger_id=log.send("useful", "risk", level="slipping"), channel="email")
        log.after("29d")
