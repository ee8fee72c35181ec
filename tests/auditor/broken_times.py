"""Streams in which something goes out at a time at which it may not."""

from __future__ import annotations

from tests.auditor.broken import breaks
from tests.support.audited import POLICY, Log


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
