"""Moments that no touchpoint asks by itself (dates, silences, what is unanswered), and what a contract forbids."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from models.touchpoints import Kind, Touch
from streams.operations.audit.breaches import Finding
from streams.operations.audit.checks.case import Case
from streams.operations.audit.policies import span, span_from
from streams.operations.audit.predicate import holds, of_data
from streams.operations.audit.records import SECOND

MOST_YEARS: Final = 60


def check(case: Case) -> Iterator[Finding]:
    """Contracts: whose runs is asked by no level, and whoever cancels is left alone."""
    contract, rules = case.person.contract, case.policy.contract
    at_risk = case.moment.get("sort") == "risk"
    if at_risk and contract.runs(case.now) and not rules.get("levels", False) and case.alive != "contract":
        yield Finding("contract", "no level while a contract runs", f"asked by {case.trigger.level}")
    began, lasts = contract.cancelling, span(rules.get("cancelling", "14d"))
    if not case.marketing or not began or contract.state not in ("active", "paused") or case.now >= began + lasts:
        return
    there = "cancel_started" in case.moment.get("touchpoints", []) and case.now < began + span(
        rules.get("session", "1h")
    )
    ours = [one for one in case.dialogue.sent if one.purpose == "marketing" and one.id and not one.others]
    had = [one for one in ours if one.time >= began]
    if not there or any(not one.given_back for one in had):
        yield Finding("cancelling", f"about to cancel since {began}", f"{case.trigger.action} at {case.now}")


def rings(case: Case) -> list[int]:
    """When the moment of a trigger has asked, as far as its life is not over, ms."""
    life, found = span(case.moment.get("within", "3d")), _rings(case)
    if case.moment["sort"] == "membership" and case.person.levels is not None:
        found = case.person.levels.stands(case.moment["change"])
    return [at for at in found if at <= case.now + SECOND and case.now < at + life + SECOND]


def asked_since(case: Case, first: int) -> int:
    """How many times the moment may have asked whose life was not over at a time, ms: also for what is gone by now."""
    life, found = span(case.moment.get("within", "3d")), _rings(case)
    name = case.moment.get("field")
    if name is not None and name not in ("customer_since", "anniversary"):
        found = case.person.contract.of(name).asked(span_from(case.moment.get("offset", "0s")) - _lead(case))
    return sum(at <= case.now + SECOND and first < at + life + SECOND for at in found)


def _rings(case: Case) -> list[int]:
    """The same, of any life."""
    moment = case.moment
    if moment["sort"] == "points":
        prices = {one["points"] for one in case.policy.rewards.values()}
        prices = {moment["reaches"]} if "reaches" in moment else prices
        account = case.person.points
        found = [at for price in prices for at in account.rises(price)] if account is not None else []
    elif moment["sort"] == "membership":
        found = case.person.levels.changes(moment["change"]) if case.person.levels is not None else []
    elif moment["sort"] == "unanswered":
        found = _unanswered(case)
    elif moment["sort"] == "spoke_well":
        found = [arrived for arrived, _ in case.person.loop.praise] if case.person.loop is not None else []
    elif moment.get("field") in ("customer_since", "anniversary"):
        offset = span_from(moment.get("offset", "0s")) - _lead(case)
        dates = (date for first in case.person.bought_first for date in _since(first, moment["field"]))
        found = [date + offset for date in dates]
    elif silent_for := moment.get("silent_for"):
        found = [case.person.bought_last + span(silent_for)] if case.person.bought_last else []
    else:
        offset = span_from(moment.get("offset", "0s")) - _lead(case)
        found = [date + offset for date in case.person.contract.of(moment["field"]).valid()]
    return found


def _since(first: int, name: str) -> list[int]:
    """The day of the first purchase, or those on which years are over since, at its time of day; ms."""
    if name == "customer_since":
        return [first // SECOND * SECOND]
    began = datetime.fromtimestamp(first // SECOND, UTC)
    found = []
    for year in range(began.year + 1, began.year + MOST_YEARS):
        try:
            day = began.replace(year=year)
        except ValueError:  # bought first on 29 February
            day = began.replace(year=year, month=3, day=1)
        found.append(int(day.timestamp()) * SECOND)
    return found


def _lead(case: Case) -> int:
    """How long what may be done at the moment takes to arrive at the least, ms."""
    channels = case.policy.channels
    may = {
        channel
        for action in case.policy.actions.values()
        if case.trigger.moment in action.get("moments", [])
        for channel in action.get("channels") or channels
    }
    return min((span(channels[one].get("lead", "0s")) for one in may), default=0)


def _unanswered(case: Case) -> list[int]:
    after, answered_by = span(case.moment["after"]), case.moment.get("answered_by", [])
    condition, types = case.moment.get("when"), case.moment.get("touchpoints", [])

    def asks(touch: Touch) -> bool:
        meant = condition is None or holds(condition, of_data(touch.data)) is not False
        return Kind(touch.kind).type in types and meant

    answers = [
        (at, touch.time)
        for at, touch in case.dialogue.answers
        if Kind(touch.kind).type in answered_by and not asks(touch)
    ]
    return [
        min(touch.time, arrived) + after
        for arrived, touch in case.dialogue.causes
        if asks(touch) and not any(heard >= arrived and time >= touch.time for heard, time in answers)
    ]
