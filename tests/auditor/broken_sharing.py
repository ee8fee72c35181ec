"""The same for the rules of what two are offered together."""

from __future__ import annotations

from typing import Any

from tests.auditor.broken import breaks
from tests.support.audited import POLICY, Log

KEPT = (
    POLICY
    + """
[moment.talk]
sort = "touchpoint"
touchpoints = ["chat"]
shared_on = ["app"]
within = "5m"
[action.together]
kind = "offer"
moments = ["talk"]
topic = "tea"
content = "offer/together"
expires = "6h"
"""
)
GROUP = "5" * 32
BETWEEN = {"sender": 0, "line": 1, "path": ["anna"], "by": "anna", "group": GROUP}


def begun(log: Log, agrees: tuple[str, ...] = ("anna", "bert")) -> None:
    """anna and bert are known, and they talk."""
    log.chooses(KEPT, 2)
    log.touch("purchase", "bert", amount=20)
    log.touch("consent_changed", "bert", marketing=True, channels=["email", "push"])
    for who in agrees:
        log.touch("consent_changed", who, purpose="conversation", marketing=True, channels=["app"])
    for who in ("anna", "bert"):
        log.touch("chat", who, participants=["anna", "bert"], channel="app", topic="tea")


def says(log: Log, step: str, to: str = "bert", **data: Any) -> None:
    """A record of another shard."""
    log.touch("shared_moment", to, count=len(log.touchpoints) + 1, step=step, **{**BETWEEN, **data})


def offers(log: Log, to: str, **changed: Any) -> str:
    of = {"customer": to, "group": GROUP, "not_before": log.time + 300_000}
    return log.send("together", "talk", decision={"customer": to, "group": GROUP}, **{**of, **changed})


def both(log: Log, **changed: Any) -> tuple[str, str]:
    """What is no breach."""
    says(log, "proposed", moment="talk", action="together", channel="app")
    return offers(log, "anna"), offers(log, "bert", **changed)


@breaks("shared_agreed")
def to_somebody_who_has_not_agreed(log: Log) -> None:
    begun(log, ("anna",))
    both(log)


@breaks("shared_agreed")
def to_somebody_who_agrees_no_longer(log: Log) -> None:
    begun(log)
    log.touch("consent_changed", "bert", purpose="conversation", marketing=False)
    both(log)


@breaks("shared_agreed")
def at_a_moment_of_ones_own(log: Log) -> None:
    begun(log)
    log.touch("cart_abandoned", amount=3)
    log.send("reminder", "cart", group=GROUP, decision={"group": GROUP})
    log.clock()
    says(log, "failed", "bert")


@breaks("shared_alike")
def another_time_for_the_other_one(log: Log) -> None:
    begun(log)
    both(log, not_before=log.time)


@breaks("shared_alike")
def a_third_one_is_offered_it(log: Log) -> None:
    begun(log)
    log.touch("purchase", "carl", amount=20)
    log.touch("consent_changed", "carl", marketing=True, channels=["email"])
    log.touch("consent_changed", "carl", purpose="conversation", marketing=True)
    both(log)
    offers(log, "carl")


@breaks("shared_alike")
def another_action_than_was_proposed(log: Log) -> None:
    begun(log)
    says(log, "proposed", moment="talk", action="offer", channel="app")
    offers(log, "anna")
    offers(log, "bert")


@breaks("shared_alone")
def one_of_two_alone(log: Log) -> None:
    begun(log)
    says(log, "proposed", moment="talk", action="together", channel="app")
    offers(log, "anna")


@breaks("shared_alone")
def taken_back_from_one_and_nobody_is_told(log: Log) -> None:
    begun(log)
    one, _ = both(log)
    log.clock()
    log.touch("consent_changed", purpose="conversation", marketing=False)
    log.withdraws(one, reason="not_agreed")


@breaks("withdrawal_owed")
def told_and_not_taken_back(log: Log) -> None:
    begun(log)
    one, _ = both(log)
    log.clock()
    log.touch("consent_changed", purpose="conversation", marketing=False)
    log.withdraws(one, reason="not_agreed")
    log.clock()
    says(log, "failed", "bert")
