"""Streams in which what goes out is not what the policy says of it."""

from __future__ import annotations

from tests.auditor.broken import breaks
from tests.support.audited import POLICY, Log


@breaks("wrong_policy")
def by_a_policy_that_was_replaced(log: Log) -> None:
    former = log.named
    log.chooses(f"{POLICY}\n# newer\n", number=2)
    log.send("useful", "risk", level="slipping", policy=former, decision={"policy": former})


@breaks("unknown_action")
def an_action_that_is_off(log: Log) -> None:
    log.touch("cart_abandoned", amount=1)
    log.send("old", "cart")


@breaks("unknown_action")
def an_action_that_is_in_no_policy(log: Log) -> None:
    log.send("nothing_of_ours", "risk", level="slipping")


@breaks("unknown_channel")
def a_channel_that_the_action_may_not_use(log: Log) -> None:
    log.touch("consent_changed", marketing=True, channels=["call"])
    log.send("useful", "risk", "call", level="slipping")


@breaks("wrong_moment")
def an_action_at_a_moment_of_others(log: Log) -> None:
    log.touch("cart_abandoned", amount=1)
    log.send("useful", "cart")


@breaks("wrong_level")
def an_offer_at_too_low_a_level(log: Log) -> None:
    log.send("offer", "risk", level="slipping")


@breaks("wrong_level")
def an_episode_that_is_over(log: Log) -> None:
    log.send("useful", "risk", level="slipping", decision={"probability": 0.39})


@breaks("wrong_class")
def an_offer_to_a_business(log: Log) -> None:
    log.chooses(POLICY.replace('classes = ["consumer"]', 'classes = ["business"]'), number=2)
    log.send("offer", "risk", level="leaving")


@breaks("for_a_person")
def marketing_to_who_buys_for_an_account(log: Log) -> None:
    log.touch("profile_updated", customer_class="business")
    log.send("useful", "risk", level="slipping")


@breaks("for_a_person")
def an_action_that_a_person_has_to_do(log: Log) -> None:
    log.chooses(POLICY.replace("[action.update]", "[action.update]\nhuman = true"), number=2)
    log.touch("payment_failed", amount=1)
    log.send("update", "payment")


@breaks("condition")
def an_offer_to_who_never_bought(log: Log) -> None:
    log.chooses(POLICY.replace("value = 1 }", "value = 2 }"), number=2)
    log.send("offer", "risk", level="leaving")


DATED = POLICY.replace(
    "[action.sorry]",
    """[moment.renewal]
sort = "date"
field = "renews_at"
offset = "-10d"
[moment.quiet]
sort = "date"
silent_for = "30d"
[moment.waiting]
sort = "unanswered"
touchpoints = ["email_received"]
answered_by = ["case_updated"]
after = "4h"
[moment.twice]
sort = "touchpoint"
touchpoints = ["return"]
nth = 2
in = "30d"
[action.renew]
purpose = "contract"
kind = "service"
moments = ["renewal", "quiet", "waiting", "twice"]
content = "renew"
expires = "6h"
[action.sorry]""",
)


def renewal(log: Log, on: str) -> None:
    log.chooses(DATED, number=2)
    log.touch("subscription_started", plan="a", renews_at=f"{on}T10:00:00Z")


@breaks("date")
def a_day_too_early_for_the_date(log: Log) -> None:
    renewal(log, "2026-03-20")
    log.at("2026-03-09T10:00:00Z")
    log.send("renew", "renewal")


@breaks("date")
def for_a_date_that_is_no_more(log: Log) -> None:
    renewal(log, "2026-03-20")
    log.touch("subscription_changed", renews_at="2026-06-20T10:00:00Z")
    log.at("2026-03-10T10:00:00Z")
    log.send("renew", "renewal")


@breaks("date")
def for_a_silence_that_has_not_lasted(log: Log) -> None:
    log.chooses(DATED, number=2)
    log.touch("purchase", amount=5)
    log.after("29d")
    log.send("renew", "quiet")


@breaks("asked_again")
def twice_for_one_date(log: Log) -> None:
    renewal(log, "2026-03-20")
    log.at("2026-03-10T10:00:00Z")
    log.send("renew", "renewal")
    log.after("1d")
    log.send("renew", "renewal")


@breaks("unanswered")
def where_an_answer_came_in_time(log: Log) -> None:
    log.chooses(DATED, number=2)
    log.touch("email_received")
    log.after("3h")
    log.touch("case_updated", case_id="a")
    log.after("1h")
    log.send("renew", "waiting")


@breaks("unanswered")
def before_the_time_for_an_answer_is_over(log: Log) -> None:
    log.chooses(DATED, number=2)
    log.touch("email_received")
    log.after("3h")
    log.send("renew", "waiting")


@breaks("no_cause")
def the_first_where_the_second_asks(log: Log) -> None:
    log.chooses(DATED, number=2)
    log.touch("return", amount=1)
    log.send("renew", "twice")


@breaks("no_cause")
def a_cart_that_nobody_left(log: Log) -> None:
    log.send("reminder", "cart")


@breaks("no_cause")
def a_cart_of_the_day_before(log: Log) -> None:
    log.touch("cart_abandoned", amount=1)
    log.after("25h")
    log.touch("visit")
    log.send("reminder", "cart")


@breaks("no_cause")
def a_complaint_that_the_moment_does_not_mean(log: Log) -> None:
    log.touch("complaint", severity="low")
    log.send("sorry", "harm")


@breaks("asked_again")
def one_cart_that_is_answered_twice(log: Log) -> None:
    log.chooses(POLICY.replace('within = "1d"', 'within = "30d"'), number=2)
    log.touch("cart_abandoned", amount=1)
    for _ in range(2):
        log.touch("offer_delivered", trigger_id=log.send("reminder", "cart"), channel="email")
        log.after("7d")


@breaks("asked_again")
def a_third_time_for_one_cart(log: Log) -> None:
    log.touch("cart_abandoned", amount=1)
    for _ in range(3):
        log.touch("expired_unsent", trigger_id=log.send("reminder", "cart"))
        log.after("1h")


@breaks("unlike_policy")
def a_content_of_its_own(log: Log) -> None:
    log.send("useful", "risk", level="slipping", content="useful/other")


@breaks("expiry")
def worth_sending_for_too_long(log: Log) -> None:
    log.send("useful", "risk", level="slipping", expires_at=log.time + 7 * 3_600_000)


@breaks("expiry")
def expired_before_it_may_be_sent(log: Log) -> None:
    log.send("useful", "risk", level="slipping", expires_at=log.time)


@breaks("presence")
def it_may_be_sent_long_after_they_have_left(log: Log) -> None:
    soon = '[channel.push]\npresence = true\npresence_expires = "30m"'
    log.chooses(POLICY.replace("[channel.push]", soon), number=2)
    log.touch("presence", state="online", channel="push")
    log.after("10m")
    log.send("useful", "risk", "push", level="slipping")
