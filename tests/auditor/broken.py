"""A stream for every rule of the auditor, in which that rule is broken once and no other is."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from models.settings import HOUR
from tests.support.audited import POLICY, Log

BROKEN: dict[str, list[Callable[[Log], None]]] = {}
Break = Callable[[Log], None]


def breaks(rule: str) -> Callable[[Break], Break]:
    """Says which rule a function breaks, in a stream in which anna may be written to."""

    def decorate(function: Break) -> Break:
        BROKEN.setdefault(rule, []).append(function)
        return function

    return decorate


# -- who may be spoken to


@breaks("erased")
def care_after_an_erasure(log: Log) -> None:
    log.touch("complaint")
    log.touch("erase_requested")
    log.says("erased")
    log.clock()
    log.send("sorry", "harm")


@breaks("erased")
def a_wait_after_an_erasure(log: Log) -> None:
    log.touch("complaint")
    log.touch("erase_requested")
    log.says("erased")
    log.clock()
    log.says("waits", moment="harm", gate="hours")


@breaks("identity")
def care_for_an_id_that_is_another_customers(log: Log) -> None:
    log.touch("identity_merged", into="bert")
    log.says("merged", reason="into bert")
    log.clock()
    log.says("waits", moment="harm", gate="hours")


@breaks("identity")
def merged_where_nobody_said_so(log: Log) -> None:
    log.touch("complaint")
    log.says("merged", reason="into bert")


@breaks("identity")
def merged_into_somebody_else(log: Log) -> None:
    log.touch("identity_merged", into="bert")
    log.says("merged", reason="into carl")


@breaks("identity")
def revived_though_it_was_never_merged(log: Log) -> None:
    log.touch("complaint")
    log.says("revived")


@breaks("restricted")
def marketing_to_who_is_in_dispute(log: Log) -> None:
    log.touch("restricted", reason="dispute")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")


@breaks("restricted")
def marketing_to_a_child(log: Log) -> None:
    log.touch("profile_updated", birthday="2015-03-01")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")


@breaks("restricted")
def care_where_a_restriction_names_care(log: Log) -> None:
    log.touch("restricted", reason="vulnerable", purposes=["care"])
    log.touch("complaint")
    log.send("sorry", "harm")


@breaks("restricted")
def marketing_to_who_asked_that_nothing_is_used(log: Log) -> None:
    log.touch("restriction_requested")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")


@breaks("refused")
def by_a_channel_that_was_unsubscribed(log: Log) -> None:
    log.touch("message_unsubscribed", channel="push")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", "push")


@breaks("refused")
def a_preference_undoes_no_refusal(log: Log) -> None:
    log.touch("consent_changed", marketing=False)
    log.touch("preferences_updated", channels=["email"])
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")


@breaks("refused")
def a_yes_without_a_channel_undoes_no_refusal(log: Log) -> None:
    log.touch("spam_reported", channel="push")
    log.after("13w")
    log.touch("consent_changed", marketing=True)
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", "push")


@breaks("refused")
def a_late_refusal_counts(log: Log) -> None:
    log.after("3h")
    log.touch("consent_changed", ago="2h", marketing=False, channels=["push"])
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", "push")


@breaks("refused")
def what_was_refused_after_an_erasure(log: Log) -> None:
    log.touch("erase_requested")
    log.touch("message_unsubscribed", channel="email")
    log.after("1h")
    log.touch("consent_changed", marketing=True, channels=["push"])
    log.touch("purchase", amount=5)
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", "email")


@breaks("no_basis")
def by_a_channel_that_was_never_granted(log: Log) -> None:
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", "call")


@breaks("no_basis")
def after_a_consent_has_expired(log: Log) -> None:
    log.touch("consent_changed", marketing=True, channels=["push"], expires="2026-03-03T00:00:00Z")
    log.after("1d")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", "push")


@breaks("profiling")
def by_the_risk_of_who_objects_to_it(log: Log) -> None:
    log.touch("consent_changed", marketing=False, purpose="profiling")
    log.send("useful", "risk", level="slipping")


AD_FREE = POLICY.replace(
    "[[basis]]", '[ad_free]\nplans = ["plus"]\nprogrammes = ["quiet"]\n[contract]\nlevels = true\n[[basis]]'
)


@breaks("ad_free")
def to_who_pays_for_a_plan_without_marketing(log: Log) -> None:
    log.chooses(AD_FREE, number=2)
    log.touch("subscription_started", plan="plus")
    log.touch("subscription_changed", amount=3)
    log.send("useful", "risk", level="slipping")


@breaks("ad_free")
def to_who_is_in_a_programme_without_marketing(log: Log) -> None:
    log.chooses(AD_FREE, number=2)
    log.touch("programme_joined", programme="quiet")
    log.send("useful", "risk", level="slipping")


@breaks("contract")
def by_the_risk_of_whose_contract_runs(log: Log) -> None:
    log.touch("subscription_started", plan="a", renews_at="2026-04-01T00:00:00Z")
    log.touch("subscription_cancelled")
    log.send("useful", "risk", level="slipping")


@breaks("cancelling")
def marketing_to_who_is_about_to_cancel(log: Log) -> None:
    log.touch("subscription_started", plan="a")
    log.touch("cancel_started")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")


@breaks("silent")
def to_who_wants_none(log: Log) -> None:
    log.touch("preferences_updated", max_per_week=0)
    log.send("useful", "risk", level="slipping")


@breaks("silent")
def to_who_wants_none_yet(log: Log) -> None:
    log.touch("preferences_updated", silent_until="2026-03-20T00:00:00Z")
    log.send("useful", "risk", level="slipping")


@breaks("unwanted_topic")
def about_what_nobody_asked_for(log: Log) -> None:
    log.touch("preferences_updated", topics=["tea"])
    log.send("useful", "risk", level="slipping")


@breaks("language")
def in_a_language_that_there_is_not(log: Log) -> None:
    log.touch("profile_updated", language="fr-FR")
    log.send("useful", "risk", level="slipping")


@breaks("unreachable")
def by_a_channel_that_failed_for_good(log: Log) -> None:
    log.touch("offer_failed", trigger_id="0" * 32, channel="push", failure="hard")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", "push")


@breaks("unreachable")
def care_by_a_channel_without_an_address(log: Log) -> None:
    log.touch("offer_failed", trigger_id="0" * 32, channel="email", failure="no_address")
    log.touch("complaint")
    log.send("sorry", "harm")


@breaks("unreachable")
def what_is_older_than_the_failure_shows_nothing(log: Log) -> None:
    log.after("1h")
    log.touch("offer_failed", trigger_id="0" * 32, channel="email", failure="hard")
    log.touch("consent_changed", ago="30m", marketing=True, channels=["email"])
    log.touch("payment_failed")
    log.send("update", "payment")


# -- when


@breaks("quiet_hours")
def at_night(log: Log) -> None:
    log.at("2026-03-02T20:30:00Z")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")


@breaks("quiet_hours")
def in_quiet_hours_of_their_own_at_their_place(log: Log) -> None:
    log.touch("preferences_updated", quiet_hours={"start": "15:00", "end": "16:00"}, time_zone="Asia/Kathmandu")
    log.at("2026-03-02T10:00:00Z")  # 15:45 there
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")


@breaks("quiet_hours")
def an_hour_too_early_by_daylight_saving(log: Log) -> None:
    log.at("2026-03-28T12:00:00Z")
    log.touch("visit")
    log.at("2026-10-26T06:30:00Z")  # 07:30 by the clocks of winter
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")


@breaks("quiet_hours")
def in_one_of_the_zones_of_a_country(log: Log) -> None:
    log.chooses(POLICY.replace('zone = "Europe/Berlin"\n', ""), number=2)
    log.touch("profile_updated", country="US")
    log.at("2026-03-02T15:00:00Z")  # ten in New York, seven in Los Angeles, five in Hawaii
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")


@breaks("expires_in_quiet_hours")
def it_may_be_sent_at_night(log: Log) -> None:
    log.at("2026-03-02T15:00:00Z")  # 16:00; it expires at 22:00
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")


def frozen(row: str) -> str:
    return POLICY.replace("[[basis]]", f"[[freeze]]\n{row}\n[[basis]]")


@breaks("stopped")
def marketing_while_all_of_it_is_stopped(log: Log) -> None:
    log.touch("cart_abandoned", amount=1)
    log.stops(7, purposes=["marketing"])
    log.send("reminder", "cart")


@breaks("stopped")
def care_in_a_country_that_nobody_knows(log: Log) -> None:
    log.touch("complaint")
    log.stops(7, countries=["FR"])
    log.send("sorry", "harm")


@breaks("stopped")
def an_action_that_one_of_two_stops_still_names(log: Log) -> None:
    log.touch("cart_abandoned", amount=1)
    log.stops(7)
    log.stops(8, actions=["reminder"])
    log.resumes(7, 9)
    log.send("reminder", "cart")


@breaks("frozen")
def in_a_freeze_by_the_clocks_of_the_policys_zone(log: Log) -> None:
    log.chooses(frozen("from = 2026-03-02T00:00:00\nuntil = 2026-03-02T11:00:01"), number=2)
    log.send("useful", "risk", level="slipping")


@breaks("frozen")
def care_where_a_freeze_names_it(log: Log) -> None:
    row = 'from = 2026-03-01T00:00:00Z\nuntil = 2026-03-03T00:00:00Z\npurposes = ["care"]\nkinds = ["care"]'
    log.chooses(frozen(row), number=2)
    log.touch("complaint")
    log.send("sorry", "harm")


TALKS = POLICY.replace("[[basis]]", '[conversation]\nlasts = "3h"\nchannels = ["desk"]\n[[basis]]')


@breaks("in_conversation")
def while_they_chat(log: Log) -> None:
    log.chooses(TALKS, number=2)
    log.touch("chat", participants=["anna", "desk"])
    log.after("2h")
    log.send("useful", "risk", level="slipping")


@breaks("in_conversation")
def while_they_are_at_the_service_desk(log: Log) -> None:
    log.chooses(TALKS, number=2)
    log.touch("presence", state="online", channel="desk")
    log.after("59m")
    log.send("useful", "risk", level="slipping")


@breaks("contact_hours")
def a_call_on_a_sunday(log: Log) -> None:
    log.at("2026-03-08T11:00:00Z")
    log.touch("complaint")
    log.send("sorry", "harm", "call")


HOLIDAYS = (
    POLICY.replace("hours = [", 'hours = [{ channels = ["push"], holidays = ["ours"] },')
    + '[holidays.ours]\ndates = ["03-03", "2026-03-04"]\n'
)


@breaks("holiday")
def on_a_holiday_of_every_year(log: Log) -> None:
    log.chooses(HOLIDAYS, number=2)
    log.at("2026-03-03T10:00:00Z")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", "push")


@breaks("holiday")
def on_a_holiday_of_one_year(log: Log) -> None:
    log.chooses(HOLIDAYS, number=2)
    log.at("2026-03-04T10:00:00Z")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", "push")


# -- how often


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


# -- what


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


# -- control, draws


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


# -- bookkeeping


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


# -- plans

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


# -- from outside


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
