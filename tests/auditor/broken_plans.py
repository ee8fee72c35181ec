"""Streams in which a plan does not go as the policy says."""

from __future__ import annotations

from tests.auditor.broken import breaks
from tests.support.audited import POLICY, Log

DUNNING = (
    POLICY
    + """
[action.remind]
purpose = "contract"
kind = "service"
content = "contract/remind"
[plan.dunning]
moments = ["payment"]
holds = true
ends_with = ["payment_recovered"]
steps = [{ action = "update" }, { action = "remind", after = "3d", unless = ["call"] }]
"""
)


def dunning(log: Log) -> None:
    """A payment failed three days ago, and the plan runs."""
    log.chooses(DUNNING, number=2)
    log.touch("payment_failed")
    log.says("plan_started", moment="dunning")
    log.after("3d")


@breaks("plan_over")
def a_reminder_after_the_payment(log: Log) -> None:
    dunning(log)
    log.touch("payment_recovered")
    log.says("plan_ended", moment="dunning")
    log.after("1h")
    log.touch("visit")
    log.send("remind", "dunning.2")


@breaks("plan_over")
def a_reminder_that_a_call_has_left_out(log: Log) -> None:
    dunning(log)
    log.touch("call", direction="outbound")
    log.after("1h")
    log.touch("visit")
    log.send("remind", "dunning.2")


@breaks("no_cause")
def a_reminder_two_days_too_early(log: Log) -> None:
    log.chooses(DUNNING, number=2)
    log.touch("payment_failed")
    log.after("1d")
    log.touch("visit")
    log.send("remind", "dunning.2")


@breaks("asked_again")
def one_step_twice(log: Log) -> None:
    dunning(log)
    for _ in range(2):
        log.touch("offer_delivered", trigger_id=log.send("remind", "dunning.2"), channel="email")
        log.after("1h")


@breaks("wrong_moment")
def a_step_of_another_action(log: Log) -> None:
    dunning(log)
    log.touch("visit")
    log.send("update", "dunning.2")


@breaks("held")
def marketing_while_a_plan_holds_it(log: Log) -> None:
    dunning(log)
    log.after("5d")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")


TWO_STEPS = POLICY.replace(
    "[action.offer]",
    """[action.first]
kind = "useful"
moments = ["risk"]
levels = ["slipping"]
content = "useful/first"
expires = "6h"
then = { action = "again", at = "leaving" }
[action.again]
kind = "useful"
content = "useful/again"
expires = "6h"
[action.offer]""",
)


@breaks("no_cause")
def a_second_step_of_what_was_never_drawn(log: Log) -> None:
    log.chooses(TWO_STEPS, number=2)
    log.touch("visit")
    log.send("again", "first.2")
