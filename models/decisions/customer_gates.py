"""Gates of the customer and of a channel: whatever is done for a purpose."""

from __future__ import annotations

from typing import Final

from models.customer.restrictions import ACTION_PURPOSES, MARKETING
from models.decisions.ask import Ask, Held
from models.decisions.limits import full_until, reached
from models.decisions.reach import UNREACHABLE, unreachable
from models.decisions.rule_types import Limit, a_week
from models.settings import DAY, SECOND

_MARKETING: Final = ACTION_PURPOSES.index(MARKETING)


# -- of the customer: whatever is done for a purpose


def held_erased(ask: Ask, purpose: str) -> Held | None:
    return Held("erased") if ask.person.erased else None


def held_restricted(ask: Ask, purpose: str) -> Held | None:
    person = ask.person
    return Held("restricted") if person.tail.restrictions and person.restricted(purpose, ask.now) else None


def held_expired(ask: Ask, purpose: str) -> Held | None:
    life = ask.rules.moments[ask.moment].within
    return Held("expired") if life and ask.now >= ask.asked + life else None


def held_ad_free(ask: Ask, purpose: str) -> Held | None:
    rules, person = ask.rules.policy.ad_free, ask.person
    if person.tail.programme and person.tail.programme in rules.programmes:
        return Held("ad_free")
    return Held("ad_free") if rules.plans and person.plan_at(ask.now) in rules.plans else None


def held_in_conversation(ask: Ask, purpose: str) -> Held | None:
    until, rules = ask.standing.talks_until, ask.rules.policy.conversation
    if rules is not None and rules.channels and ask.person.online(ask.now) in rules.channels:
        until = max(until, ask.person.online_until)
    return Held("in_conversation", until) if ask.now < until else None


def held_silent(ask: Ask, purpose: str) -> Held | None:
    tail = ask.person.tail
    if tail.max_per_week == 0:
        return Held("silent")
    return Held("silent", tail.silent_until) if ask.now < tail.silent_until else None


def held_open_case(ask: Ask, purpose: str) -> Held | None:
    tail = ask.person.tail
    return Held("open_case", unforeseen(ask)) if tail.cases or tail.more_cases else None


def held_bad_experience(ask: Ask, purpose: str) -> Held | None:
    until = ask.standing.harmed_until
    return Held("bad_experience", until) if ask.now < until else None


def held_cool_down(ask: Ask, purpose: str) -> Held | None:
    if not ask.rules.cool_down:
        return None
    marks = ask.marks(_MARKETING)
    until = marks[0][0] + ask.rules.cool_down if marks else 0
    return Held("cool_down", until) if ask.now < until else None


def held_own_cap(ask: Ask, purpose: str) -> Held | None:
    """What the customer wants at most in a week, and what the record can keep."""
    full = full_until(ask.standing, ask.now)
    if full:
        return Held("cap", full)
    most = ask.person.tail.max_per_week
    return capped(ask, (a_week(most),)) if most > 0 else None


def held_after_outcomes(ask: Ask, purpose: str) -> Held | None:
    until = ask.standing.rests_until
    return Held("after_outcomes", until) if ask.now < until else None


def held_alarm(ask: Ask, purpose: str) -> Held | None:
    return Held("alarm", unforeseen(ask)) if ask.alarmed else None


# -- of a channel


def held_unreachable(ask: Ask, purpose: str, channel: str) -> Held | None:
    standing = ask.standing
    return Held(UNREACHABLE) if standing.unreachable and unreachable(standing, channel) else None


def held_closed(ask: Ask, purpose: str, channel: str) -> Held | None:
    """Two gates, of which one holds at most."""
    code = ask.closed(purpose, channel)
    return Held(code) if code else None


def held_after_decline(ask: Ask, purpose: str, channel: str) -> Held | None:
    rules = ask.rules
    if not rules.rests_on:
        return None
    rests = rules.rests_on.get(rules.channel_numbers.get(channel, 0))
    last = ask.standing.once.get(rests.key, 0) if rests is not None else 0
    if rests is None or not last:
        return None
    until = last + rests.lasts(ask.person.tail.country)
    return Held("after_outcomes", until) if ask.now < until else None


def held_hours_never(ask: Ask, purpose: str, channel: str) -> Held | None:
    return Held("hours_never") if ask.opening(purpose, channel) is None else None


def capped(ask: Ask, limits: tuple[Limit, ...]) -> Held | None:
    """Of the limits that are reached the one that holds longest."""
    until = -1
    for limit in limits:
        if limit.countries and not limit.is_for(ask.person.tail.country):
            continue
        marks = ask.marks(limit.purpose)
        frees = reached(marks, limit, ask.now) if marks or not limit.most else None
        if frees == 0:
            return Held("cap")
        until = max(until, frees or -1)
    return Held("cap", until) if until >= 0 else None


def unforeseen(ask: Ask) -> int:
    """Of what ends at nobody knows when: far away. It is looked at again within a tick all the same, and at once at a
    touchpoint that ends it."""
    return -(-ask.now // SECOND) * SECOND + 92 * DAY
