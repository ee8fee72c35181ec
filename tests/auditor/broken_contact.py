"""Streams in which somebody is spoken to who may not be."""

from __future__ import annotations

from tests.auditor.broken import breaks
from tests.support.audited import POLICY, Log


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
