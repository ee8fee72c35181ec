"""Streams in which something goes out more often than it may."""

from __future__ import annotations

from tests.auditor.broken import breaks
from tests.support.audited import POLICY, Log


def days_of_marketing(log: Log, days: int) -> list[str]:
    """One cart a day, each delivered at once."""
    sent = []
    for _ in range(days):
        log.touch("cart_abandoned", amount=1)
        sent.append(log.send("reminder", "cart"))
        log.touch("offer_delivered", trigger_id=sent[-1], channel="email")
        log.after("1d")
    return sent


@breaks("cap")
def a_third_contact_in_a_week(log: Log) -> None:
    days_of_marketing(log, 3)


@breaks("cap")
def contacts_by_others_count(log: Log) -> None:
    log.touch("campaign_received", campaign_id="spring")
    log.after("1d")
    days_of_marketing(log, 2)


@breaks("cap")
def a_second_call_in_a_month(log: Log) -> None:
    log.touch("consent_changed", marketing=True, channels=["call"])
    for _ in range(2):
        log.touch("cart_abandoned", amount=1)
        log.touch("offer_delivered", trigger_id=log.send("reminder", "cart", "call"), channel="call")
        log.after("14d")


@breaks("cap")
def care_has_a_cap_of_its_own(log: Log) -> None:
    for _ in range(2):
        log.touch("complaint")
        log.touch("offer_delivered", trigger_id=log.send("sorry", "harm"), channel="email")
        log.after("3d")


@breaks("cap")
def what_is_kept_for_others(log: Log) -> None:
    log.chooses(POLICY.replace('{ most = 2, within = "7d" }', '{ most = 2, within = "7d", reserve = 1 }'), number=2)
    days_of_marketing(log, 2)


@breaks("own_cap")
def more_than_the_customer_wants(log: Log) -> None:
    log.touch("preferences_updated", max_per_week=1)
    days_of_marketing(log, 2)


@breaks("cool_down")
def twice_within_the_least_time(log: Log) -> None:
    log.touch("cart_abandoned", amount=1)
    log.touch("offer_delivered", trigger_id=log.send("reminder", "cart"), channel="email")
    log.after("2h")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", "push")


@breaks("once_per_moment")
def one_moment_twice(log: Log) -> None:
    log.chooses(POLICY.replace('{ most = 1, within = "7d", purpose = "care" },', ""), number=2)
    for _ in range(2):
        log.touch("complaint")
        log.touch("offer_delivered", trigger_id=log.send("sorry", "harm"), channel="email")
        log.after("1d")


@breaks("once_per_action")
def one_action_twice(log: Log) -> None:
    for _ in range(2):
        log.touch("cart_abandoned", amount=1)
        sent = log.send("offer", "cart", level="leaving")
        log.touch("offer_delivered", trigger_id=sent, channel="email")
        log.touch("coupon_redeemed", coupon_id=log.triggers[-1].coupon)  # type: ignore[union-attr]
        log.after("15d")


@breaks("promotion_open")
def two_promotions_at_a_time(log: Log) -> None:
    log.touch("campaign_received", campaign_id="spring", promotion=True, until="2026-03-10T00:00:00Z")
    log.after("2d")
    log.touch("cart_abandoned", amount=1)
    log.send("offer", "cart", level="leaving")


@breaks("promotion_used")
def two_promotions_an_episode(log: Log) -> None:
    log.says("episode_opened")
    for _ in range(2):
        log.touch("cart_abandoned", amount=1)
        log.touch("offer_delivered", trigger_id=log.send("offer", "cart", level="leaving"), channel="email")
        log.after("21d")


@breaks("open_case")
def selling_while_a_case_is_open(log: Log) -> None:
    for n in range(17):
        log.touch("case_opened", case_id=f"c-{n}")
    for n in range(16):
        log.touch("case_resolved", case_id=f"c-{n}")
    log.send("useful", "risk", level="slipping")


@breaks("rest")
def selling_after_a_bad_experience(log: Log) -> None:
    log.touch("complaint")
    log.after("6d")
    log.send("useful", "risk", level="slipping")


@breaks("rest")
def selling_after_a_decline(log: Log) -> None:
    log.touch("cart_abandoned", amount=1)
    log.touch("offer_declined", trigger_id=log.send("reminder", "cart"))
    log.after("13d")
    log.send("useful", "risk", level="slipping")


@breaks("rest")
def a_call_after_a_declined_one(log: Log) -> None:
    log.touch("consent_changed", marketing=True, channels=["call"])
    log.touch("cart_abandoned", amount=1)
    log.touch("offer_declined", trigger_id=log.send("reminder", "cart", "call"))
    log.after("35d")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", "call")


@breaks("rest")
def a_push_after_a_declined_one_where_the_country_wants_more_rest(log: Log) -> None:
    log.touch("profile_updated", country="AT")
    log.touch("cart_abandoned", amount=1)
    log.touch("offer_declined", trigger_id=log.send("reminder", "cart", "push"))
    log.after("35d")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", "push")


@breaks("cap")
def a_second_push_in_the_days_of_a_countrys_row_of_hours(log: Log) -> None:
    log.touch("profile_updated", country="AT")
    for _ in range(2):
        log.touch("cart_abandoned", amount=1)
        log.touch("offer_delivered", trigger_id=log.send("reminder", "cart", "push"), channel="push")
        log.after("8d")


@breaks("cap")
def a_second_push_where_the_country_allows_one(log: Log) -> None:
    log.touch("profile_updated", country="NL")
    log.touch("consent_changed", marketing=True, channels=["push"])
    for _ in range(2):
        log.touch("cart_abandoned", amount=1)
        log.touch("offer_delivered", trigger_id=log.send("reminder", "cart", "push"), channel="push")
        log.after("14d")


BUDGETS = POLICY.replace(
    "[action.reminder]",
    """[budget.letters]
counts = "contacts"
most = 1
per = "week"
[budget.gifts]
counts = "money"
most = 10.01
per = "day"
[action.reminder]
budgets = ["letters", "gifts"]
discount = 3
cost = 2.001""",
)


@breaks("budget")
def a_second_letter_in_a_week(log: Log) -> None:
    log.chooses(BUDGETS, number=2)
    for _ in range(2):
        log.touch("cart_abandoned", amount=1)
        log.touch("offer_delivered", trigger_id=log.send("reminder", "cart"), channel="email")
        log.after("6d")  # from Monday to Sunday


@breaks("budget")
def more_money_than_a_day_has(log: Log) -> None:
    log.chooses(BUDGETS.replace("most = 1\n", "most = 9\n").replace('cool_down = "20h"', ""), number=2)
    for _ in range(2):  # of 5.01 each
        log.touch("cart_abandoned", amount=1)
        log.touch("offer_delivered", trigger_id=log.send("reminder", "cart"), channel="email")
        log.after("1h")


@breaks("budget")
def what_is_given_back_is_of_its_own_period(log: Log) -> None:
    log.chooses(BUDGETS, number=2)
    log.touch("cart_abandoned", amount=1)
    former = log.send("reminder", "cart")
    log.after("6d")
    log.at("2026-03-09T09:00:00Z")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")
    log.touch("expired_unsent", trigger_id=former)
    log.says("given_back", trigger=former)
    log.after("27h")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")


@breaks("reserved")
def money_that_the_action_does_not_cost(log: Log) -> None:
    log.chooses(BUDGETS, number=2)
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", reserved={"letters": 1, "gifts": 500})


@breaks("reserved")
def a_budget_of_another_action(log: Log) -> None:
    log.chooses(BUDGETS, number=2)
    log.send("useful", "risk", level="slipping", reserved={"letters": 1})


@breaks("reserved")
def a_letter_that_is_not_counted(log: Log) -> None:
    log.chooses(BUDGETS, number=2)
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", reserved={})


VALUED = POLICY.replace(
    "[action.reminder]",
    """[value]
margin = 0.5
spend_at_most = 0.2
[action.reminder]
discount = 3
cost = 2.001""",
)


@breaks("unprofitable")
def an_offer_that_costs_more_than_the_customer_is_worth(log: Log) -> None:
    log.chooses(VALUED, number=2)
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", decision={"value": 50.0})


@breaks("unprofitable")
def an_offer_that_costs_more_than_to_win_another(log: Log) -> None:
    log.chooses(VALUED.replace("margin = 0.5", "acquisition_cost = 5"), number=2)
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", decision={"value": 500.0, "tier": "top"})
