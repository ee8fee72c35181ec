"""Streams in which what others may send is not counted, or what they ask for is not kept to."""

from __future__ import annotations

from models.settings import HOUR
from tests.auditor.broken import breaks
from tests.support.audited import POLICY, Log


@breaks("test")
def a_test_trigger_to_a_customer(log: Log) -> None:
    log.touch("payment_failed", amount=1)
    log.send("update", "payment", test=True)


@breaks("test")
def a_trigger_that_counts_to_who_tries_things_out(log: Log) -> None:
    log.touch("restricted", reason="test")
    log.touch("payment_failed", amount=1)
    log.send("update", "payment")


@breaks("test")
def a_preview_to_somebody_else(log: Log) -> None:
    log.touch("preview_asked", action="update", to="tester")
    log.send("update", "payment", decision={"what": "previewed", "test": True}, test=True, customer="ben")


@breaks("may_contact")
def a_reservation_that_nobody_asked_for(log: Log) -> None:
    log.says("may_contact", trigger="0" * 32, channel="email", until=log.time + HOUR)


@breaks("may_contact")
def a_third_contact_of_others_in_a_week(log: Log) -> None:
    log.chooses(POLICY.replace('cool_down = "20h"\n', ""), number=2)
    for number in range(3):
        log.touch("asked_may", purpose="marketing", channel="email")
        log.says("may_contact", trigger=f"{number:032x}", channel="email", until=log.time + HOUR)
        log.after("10m")


@breaks("may_contact")
def a_reservation_on_a_channel_that_is_refused(log: Log) -> None:
    log.touch("message_unsubscribed", channel="push")
    log.touch("asked_may", purpose="marketing", channel="push")
    log.says("may_contact", trigger="1" * 32, channel="push", until=log.time + HOUR)


@breaks("cap")
def a_message_of_ours_where_others_have_reserved_the_last_contact(log: Log) -> None:
    log.chooses(POLICY.replace('cool_down = "20h"\n', ""), number=2)
    for number in range(2):
        log.touch("asked_may", purpose="marketing", channel="email")
        log.says("may_contact", trigger=f"{number:032x}", channel="email", until=log.time + HOUR)
        log.after("10m")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")
