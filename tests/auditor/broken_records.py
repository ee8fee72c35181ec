"""Streams in which what was said does not fit together."""

from __future__ import annotations

from tests.auditor.broken import breaks
from tests.support.audited import POLICY, Log


@breaks("id_twice")
def one_id_for_two_triggers(log: Log) -> None:
    log.touch("payment_failed")
    first = log.send("update", "payment")
    log.after("1d")
    log.touch("payment_failed")
    log.send("update", "payment", id=first, decision={"trigger": first})


@breaks("resent")
def what_may_have_been_delivered_is_sent_again(log: Log) -> None:
    log.touch("payment_failed")
    first = log.send("update", "payment")
    log.after("1h")
    log.clock()
    log.sends_again(first)


@breaks("resent")
def another_action_goes_in_its_place(log: Log) -> None:
    log.touch("payment_failed")
    first = log.send("update", "payment")
    log.touch("expired_unsent", trigger_id=first, reason="stopped")
    log.after("1h")
    log.clock()
    log.sends_again(first, moment="harm")


@breaks("no_decision")
def a_trigger_that_nobody_decided(log: Log) -> None:
    log.touch("payment_failed")
    log.send("update", "payment")
    log.decisions.pop()


@breaks("no_trigger")
def a_decision_whose_trigger_is_missing(log: Log) -> None:
    log.touch("payment_failed")
    log.send("update", "payment")
    log.triggers.pop()


@breaks("unlike_decision")
def another_channel_than_was_decided(log: Log) -> None:
    log.touch("payment_failed")
    log.send("update", "payment", channel="email", decision={"channel": "push"})


@breaks("withdrawal_owed")
def what_is_out_at_an_erasure(log: Log) -> None:
    log.touch("payment_failed")
    log.send("update", "payment")
    log.touch("erase_requested")


@breaks("withdrawal_owed")
def what_is_out_at_a_restriction(log: Log) -> None:
    log.send("useful", "risk", level="slipping")
    log.touch("restricted", reason="deceased")


@breaks("withdrawal_owed")
def what_is_out_when_nothing_may_be_used(log: Log) -> None:
    log.send("useful", "risk", level="slipping")
    log.touch("restriction_requested")


@breaks("withdrawal_owed")
def what_is_out_at_a_refusal(log: Log) -> None:
    log.send("useful", "risk", level="slipping")
    log.touch("message_unsubscribed", channel="email")


@breaks("withdrawal_owed")
def a_promotion_that_is_out_when_a_case_is_opened(log: Log) -> None:
    log.send("offer", "risk", level="leaving")
    log.touch("case_opened", case_id="c-1")


@breaks("withdrawal_owed")
def what_names_a_purchase_is_out_at_one(log: Log) -> None:
    named = 'content = "useful/picks"\nwithdraw_when = ["purchase"]'
    log.chooses(POLICY.replace('content = "useful/picks"', named), number=2)
    log.send("useful", "risk", level="slipping")
    log.touch("purchase", amount=9)


OUTRANKING = POLICY.replace("[contact]", "[contact]\noutranking = true")


@breaks("outranking")
def it_gives_way_where_nothing_does(log: Log) -> None:
    sent = log.send("useful", "risk", level="slipping")
    log.touch("cart_abandoned", amount=1)
    log.says("waits", moment="cart", gate="outranking")
    log.withdraws(sent, reason="outranking")


@breaks("outranking")
def it_gives_way_to_something_of_no_more_priority(log: Log) -> None:
    log.chooses(OUTRANKING.replace("priority = 6", "priority = 5"), number=2)
    sent = log.send("useful", "risk", level="slipping")
    log.touch("cart_abandoned", amount=1)
    log.says("waits", moment="cart", gate="outranking")
    log.withdraws(sent, reason="outranking")


@breaks("outranking")
def it_gives_way_to_nothing(log: Log) -> None:
    log.chooses(OUTRANKING, number=2)
    sent = log.send("useful", "risk", level="slipping")
    log.touch("cart_abandoned", amount=1)
    log.says("waits", moment="cart", gate="cap")
    log.withdraws(sent, reason="outranking")


@breaks("stray_withdrawal")
def from_a_channel_that_takes_nothing_back(log: Log) -> None:
    log.chooses(POLICY.replace("[channel.push]", "[channel.push]\nwithdrawable = false"), number=2)
    log.touch("cart_abandoned", amount=1)
    sent = log.send("reminder", "cart", "push")
    log.after("1m")
    log.withdraws(sent)


@breaks("stray_withdrawal")
def of_what_was_never_out(log: Log) -> None:
    log.withdraws("0" * 32)


@breaks("stray_withdrawal")
def taken_back_twice(log: Log) -> None:
    sent = log.send("useful", "risk", level="slipping")
    log.touch("restricted", reason="deceased")
    log.withdraws(sent)
    log.withdraws(sent, name="another")
