"""What the policy allows is no breach: each stream here lies just inside a rule."""

from __future__ import annotations

import hashlib

import pytest

from models.settings import HOUR
from tests.support.audited import MONDAY, POLICY, Log


def test_a_stream_in_which_everything_is_right() -> None:
    log = Log.begun()
    log.touch("payment_failed")
    log.send("update", "payment")
    log.touch("complaint")
    log.touch("offer_delivered", trigger_id=log.send("sorry", "harm"), channel="email")
    log.after("8d")
    log.says("episode_opened")
    offer = log.send("offer", "risk", level="leaving", decision={"probability": 0.81})
    log.touch("case_opened", case_id="c-1")
    log.withdraws(offer)
    log.touch("offer_withdrawn", trigger_id=offer)
    log.touch("case_resolved", case_id="c-1")
    log.says("episode_closed")
    log.after("28d")
    log.touch("offer_delivered", trigger_id=log.send("useful", "risk", level="slipping"), channel="email")
    log.clock()
    report = log.report()
    assert not report.breaches
    assert not report.notes
    assert report.triggers == {"contract": 1, "care": 1, "marketing": 2}
    assert (report.withdrawals, report.policies) == (1, [log.named])


def test_care_and_contract_go_out_at_night_and_after_a_refusal() -> None:
    log = Log.begun()
    log.touch("consent_changed", marketing=False)
    log.touch("preferences_updated", max_per_week=0)
    log.at("2026-03-02T23:00:00Z")
    log.touch("complaint")
    log.send("sorry", "harm")
    log.touch("payment_failed")
    log.send("update", "payment")
    assert not log.broken()


def test_a_newer_yes_that_names_the_channel_opens_it_again() -> None:
    log = Log.begun()
    log.touch("message_unsubscribed", channel="push")
    log.after("1h")
    log.touch("consent_changed", marketing=True, channels=["push"])
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", "push")
    assert not log.broken()


def test_who_consents_after_an_erasure_begins_as_a_new_customer() -> None:
    log = Log.begun()
    log.touch("preferences_updated", max_per_week=0)
    log.touch("erase_requested")
    log.after("1h")
    log.touch("consent_changed", marketing=True, channels=["push"])
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", "push")
    assert not log.broken()


@pytest.mark.parametrize("shown", ["consent_changed", "offer_delivered"])
def test_a_channel_that_works_again_is_used(shown: str) -> None:
    log = Log.begun()
    log.touch("offer_failed", trigger_id="0" * 32, channel="push", failure="hard")
    log.after("1h")
    told = {"marketing": True, "channels": ["push"]} if shown == "consent_changed" else {"trigger_id": "0" * 32}
    log.touch(shown, **told, **({} if shown == "consent_changed" else {"channel": "push"}))
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", "push")
    assert not log.broken()


def test_before_and_after_a_freeze_and_a_conversation_and_at_the_end_of_a_plan_all_goes_on() -> None:
    keys = """[ad_free]
plans = ["plus"]
[conversation]
channels = ["desk"]
[[freeze]]
from = 2026-03-02T11:00:01
until = 2026-03-02T12:00:00
[[freeze]]
from = 2026-03-02T00:00:00
until = 2026-03-03T00:00:00
countries = ["NL"]
[[basis]]"""
    log = Log.begun(POLICY.replace("[[basis]]", keys))
    log.touch("subscription_started", plan="plus")
    log.touch("subscription_cancelled")
    log.touch("presence", state="online", channel="desk")
    log.touch("presence", state="offline", channel="desk")
    log.touch("offer_delivered", trigger_id=log.send("useful", "risk", level="slipping"))
    log.after("28d")
    log.touch("chat", participants=["anna", "desk"])
    log.after("2h")
    log.send("useful", "risk", level="slipping")
    assert not log.broken()


def test_what_is_less_important_gives_way_and_what_is_kept_goes_to_who_may_have_it() -> None:
    text = POLICY.replace("[contact]", "[contact]\noutranking = true").replace('cool_down = "20h"', 'cool_down = "0s"')
    text = text.replace('{ most = 2, within = "7d" }', '{ most = 2, within = "7d", reserve = 1, reserve_for = 6 }')
    log = Log.begun(text)
    sent = log.send("useful", "risk", level="slipping")
    log.touch("cart_abandoned", amount=1)
    log.says("waits", moment="cart", gate="outranking")
    log.withdraws(sent, reason="outranking")
    log.touch("offer_withdrawn", trigger_id=sent)
    for action in ("reminder", "offer"):
        log.touch("cart_abandoned", amount=1)
        log.touch("offer_delivered", trigger_id=log.send(action, "cart"))
    assert not log.broken()


def test_what_was_not_sent_asks_once_more() -> None:
    log = Log.begun()
    log.touch("cart_abandoned", amount=1)
    log.touch("expired_unsent", trigger_id=log.send("reminder", "cart"))
    log.after("1h")
    log.send("reminder", "cart")
    assert not log.broken()


def test_a_restriction_that_is_over_is_none() -> None:
    log = Log.begun()
    log.touch("restricted", reason="dispute", until="2026-03-04T00:00:00Z")
    log.after("2d")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")
    assert not log.broken()


@pytest.mark.parametrize("reported", ["offer_withdrawn", "expired_unsent", "offer_failed"])
def test_what_was_given_back_counts_for_nothing(reported: str) -> None:
    log = Log.begun()
    failed = {"channel": "email", "failure": "refused_by_sender"} if reported == "offer_failed" else {}
    for _ in range(3):
        log.touch("cart_abandoned", amount=1)
        log.touch(reported, trigger_id=log.send("reminder", "cart"), **failed)
        log.after("1h")
    assert not log.broken()


def test_what_was_delivered_is_not_given_back() -> None:
    log = Log.begun()
    log.touch("cart_abandoned", amount=1)
    sent = log.send("reminder", "cart")
    log.touch("offer_delivered", trigger_id=sent)
    log.touch("offer_withdrawn", trigger_id=sent)
    log.after("1h")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")
    assert log.broken().keys() == {"cool_down"}


def test_a_contact_leaves_a_rolling_time_at_its_end() -> None:
    log = Log.begun()
    for wait in ("1d", "6d", "1d"):
        log.touch("cart_abandoned", amount=1)
        log.touch("offer_delivered", trigger_id=log.send("reminder", "cart"))
        log.after(wait)
    assert not log.broken()


def test_what_nobody_has_reported_counts_until_it_expires_and_from_then_on_once() -> None:
    log = Log.begun()
    for wait in ("27h", "7d"):  # 6 hours of life, and 20 of rest behind them
        log.touch("cart_abandoned", amount=1)
        log.send("reminder", "cart")
        log.after(wait)
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")
    assert not log.broken()


@pytest.mark.parametrize(
    ("moment", "allowed"),
    [
        ("2026-03-29T05:59:59Z", False),  # 07:59:59 in the first hours of summer time
        ("2026-03-29T06:00:00Z", True),
        ("2026-10-25T06:59:59Z", False),  # the same in the first hours of winter time
        ("2026-10-25T07:00:00Z", True),
    ],
)
def test_quiet_hours_end_by_the_clocks_of_the_day(moment: str, allowed: bool) -> None:
    log = Log.begun()
    log.touch("consent_changed", marketing=True, channels=["push"])
    log.at(moment)
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", "push")
    assert log.broken().keys() == (set() if allowed else {"quiet_hours"})


def test_a_zone_that_does_not_exist_counts_as_not_stated() -> None:
    log = Log.begun()
    log.touch("preferences_updated", time_zone="Mars/Olympus")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")
    assert not log.broken()


def test_care_of_who_is_in_the_control_group() -> None:
    log = Log.begun(POLICY.replace("share = 0.0", "share = 1.0"))
    log.touch("complaint")
    log.send("sorry", "harm", decision={"control": True})
    assert not log.broken()


@pytest.mark.parametrize(("account", "broken"), [("house-53", set()), ("", {"control"})])
def test_whoever_moves_to_a_household_of_the_control_group_is_of_it_from_then_on(
    account: str, broken: set[str]
) -> None:
    log = Log.begun(POLICY.replace("share = 0.0", "share = 0.1"))  # house-53 is of the tenth, and anna is not
    log.send("useful", "risk", level="slipping")
    if account:
        log.touch("profile_updated", account=account)
    log.after("40d")
    log.says("episode_closed")
    log.send("useful", "risk", level="slipping", decision={"control": True, "trigger": ""})
    log.triggers.pop()
    assert log.broken().keys() == broken


def test_a_touchpoint_that_comes_twice_counts_once() -> None:
    log = Log.begun()
    log.touch("campaign_received", campaign_id="spring")
    again = log.touchpoints[-1]
    log.append(again.value or b"", "anna")
    log.after("21h")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")
    assert not log.broken()


def test_what_may_be_on_its_way_is_not_lacking() -> None:
    log = Log.begun()
    log.send("useful", "risk", level="slipping")
    log.touch("restricted", reason="deceased")
    assert not log.report(grace=600_000).breaches
    assert log.report().breaches


def test_what_was_said_before_a_time_is_read_and_not_judged() -> None:
    log = Log.begun()
    log.send("reminder", "cart")  # no cart was left
    log.after("2h")
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart", "push")
    report = log.report(since=log.time)
    assert {breach.rule for breach in report.breaches} == {"cool_down"}
    assert report.triggers == {"marketing": 1}


def test_a_policy_that_no_shard_took_is_not_in_force() -> None:
    log = Log.begun()
    log.chooses(POLICY.replace('mode = "off"', ""), number=2, taken=False)
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")
    report = log.report()
    assert not report.breaches
    assert "was not taken" in report.notes[0]


def later(hours: int, comes: bool) -> Log:
    """Another policy waits for the hour after next, and is said to be in force after so many."""
    log, text = Log.begun(), POLICY.replace('mode = "off"', "")
    log.touch("cart_abandoned", amount=1)
    log.chooses(text, number=2, at=log.time + 2 * HOUR)
    log.after(f"{hours}h")
    log.clock()
    name = f"2-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    if comes:
        log.says("policy_in_force", customer="", policy=name)
    log.named = name
    return log


def test_a_policy_that_waits_is_in_force_from_its_time_on() -> None:
    log = later(hours=2, comes=True)
    log.send("reminder", "cart", "push")
    report = log.report()
    assert not report.breaches
    assert not report.notes
    assert report.policies[1:] == [log.named]


@pytest.mark.parametrize(("hours", "comes"), [(1, True), (2, False)])
def test_nothing_is_decided_by_a_policy_that_waits(hours: int, comes: bool) -> None:
    log = later(hours, comes)
    log.send("reminder", "cart", "push")
    assert {breach.rule for breach in log.report().breaches} == {"wrong_policy"}
    assert bool(log.report().notes) == comes


def test_a_newer_policy_takes_the_place_of_one_that_waits() -> None:
    log = later(hours=1, comes=False)
    log.chooses(POLICY, number=3)
    log.send("reminder", "cart", "push")
    assert not log.report().breaches


def test_what_the_settings_triggered_is_left_out_and_counted() -> None:
    log = Log()
    log.at(MONDAY)
    log.touch("purchase", amount=1)
    log.named = ""
    log.send("win_back", "", policy="", decision={"policy": ""})
    report = log.report()
    assert not report.breaches
    assert (report.of_settings, report.triggers.total()) == (1, 0)


def test_a_log_whose_beginning_is_gone_is_named() -> None:
    log = Log.begun()
    log.touchpoints = [arrival._replace(offset=arrival.offset + 7) for arrival in log.touchpoints]
    log.decisions = []
    assert "begins at offset 7" in log.report().notes[0]


def test_what_is_stopped_otherwise_or_was_stopped_before_goes_out() -> None:
    log = Log.begun()
    log.touch("profile_updated", country="DE")
    log.stops(6)
    log.stops(7, purposes=["marketing"], countries=["FR"])
    log.stops(8, purposes=["marketing"], kinds=["reward"])
    log.resumes(6, 9)
    log.stops(9)
    log.touch("cart_abandoned", amount=1)
    log.send("reminder", "cart")
    assert not log.broken()


def test_what_was_stopped_is_sent_again() -> None:
    log = Log.begun()
    log.touch("complaint")
    care = log.send("sorry", "harm")
    log.stops(7)
    log.touch("expired_unsent", trigger_id=care, reason="stopped")
    log.after("3h")
    log.resumes(7)
    log.after("1h")
    log.clock()
    again = log.sends_again(care)
    log.touch("expired_unsent", trigger_id=again, reason="stopped")
    log.after("1h")
    log.clock()
    log.sends_again(again)
    assert not log.broken()


HIGHER = POLICY.replace('{ name = "slipping", at = 0.50 }', '{ name = "slipping", at = 0.60 }')


def test_a_level_that_waited_under_lower_levels_is_named_by_the_higher_ones_and_may_ask_again() -> None:
    """It had asked at .50; under the policy that decides the first level is at .60, and has not asked yet."""
    log = Log.begun()
    log.says("episode_opened", level="slipping", probability=0.55, policy=log.named)
    log.says("waits", moment="risk", level="slipping", gate="hours", policy=log.named)
    log.after("1h")
    log.chooses(HIGHER, number=2)
    log.after("1h")
    log.touch("offer_delivered", trigger_id=log.send("useful", "risk", level="slipping"), channel="email")
    log.after("29d")
    log.says("waits", moment="risk", level="slipping", gate="hours", policy=log.named)
    log.touch("offer_delivered", trigger_id=log.send("useful", "risk", level="slipping"), channel="email")
    log.clock()
    assert not log.broken()
