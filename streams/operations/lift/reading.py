"""Reads decisions and touchpoints into units and draws, whose ends are known (`models.proof`)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from models.decisions.choosing.domains import Domain, in_share
from models.decisions.draw import ONE
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.parts import ms_of
from models.decisions.policy.reading import PolicyUnfit
from models.decisions.response import earned
from models.outputs import LOYALTY, MERGED, RESUMED, STOPPED, TAKEN_OVER, Decision, Trigger
from models.proof.draws import Draw
from models.proof.programme import HARMS, Seen, Unit, cut
from models.settings import HOUR, WEEK
from models.touchpoints import Rejected, read
from streams.operations.audit.records import Line, Unread
from streams.operations.lift.happened import Happened
from streams.operations.lift.held import Held, Span
from streams.operations.lift.renewals import ALONE, CONTROL, Renewals

LEAVE_ALONE: Final = "leave_alone"
LATE: Final = HOUR
"""So long after an age is over its touchpoints may still come."""
LAST_AGE: Final = 52 * WEEK
SLIPPING: Final = "slipping"
"""The stage of everybody at risk: at a draw it tells nobody apart."""
_POLICY: Final = b"policy_chosen"


class Terms(NamedTuple):
    """How outcomes are counted. margin: the share of net spend that is earned. cap: money is cut there, both ways."""

    margin: float = 1.0
    cap: float = 300.0


class Answered(NamedTuple):
    """A moment that was answered. chances: of a draw, by action, leaving alone by the empty name; empty: nothing was
    drawn. trigger: its id; empty: none. exempt: from control, by plan, programme or tier. stage: of the loyalty loop,
    the last that was said before they began to slip; empty: none was."""

    time: int
    action: str
    control: bool
    level: str
    policy: str
    chances: dict[str, float]
    trigger: str
    tier: str = ""
    exempt: bool = False
    stage: str = ""


@dataclass(slots=True)
class Found:
    """What was read. units: with their salt. ages: of a unit, ms, by salt. acquisition: by salt, what winning a
    customer costs, where the policy says so. draws: of who is not of the control group.

    open_draws: whose window is not over. exempt: customers who were exempt from control when they first came. merged:
    customers with several ids, of which each may have been drawn otherwise; they are in no table. without_policy:
    decisions of policies whose text is not in the log any more.
    """

    units: list[tuple[str, Unit]] = field(default_factory=list)
    ages: dict[str, tuple[int, ...]] = field(default_factory=dict)
    acquisition: dict[str, float] = field(default_factory=dict)
    draws: list[Draw] = field(default_factory=list)
    open_draws: int = 0
    exempt: int = 0
    merged: int = 0
    without_policy: int = 0
    unread: int = 0
    first: int = 0
    last: int = 0
    renewals: Renewals = field(default_factory=Renewals)
    stops: Held = field(default_factory=Held)
    held: list[Span] = field(default_factory=list)


def read_all(lines: Iterable[Line], terms: Terms) -> Found:
    """Read partitions, one after the other."""
    found = Found()
    policies: dict[str, PolicyInForce] = {}
    for line in lines:
        _read(line, found, policies, terms)
    found.held = found.stops.spans(policies.values(), found.first, found.last)
    return found


def _read(line: Line, found: Found, policies: dict[str, PolicyInForce], terms: Terms) -> None:
    unread = Unread()
    answered: dict[str, list[Answered]] = {}
    unsent: set[str] = set()
    merged: set[str] = set()
    stages: dict[str, str] = {}
    stops: list[Decision] = []
    for decision in unread.decisions(line.decisions):
        if decision.what in (STOPPED, RESUMED):
            stops.append(decision)
        elif decision.what == "given_back":
            unsent.add(decision.trigger)
        elif decision.what in (MERGED, TAKEN_OVER):
            merged.add(decision.customer)
        elif decision.test:
            continue  # somebody tried things out
        elif decision.what == LOYALTY and decision.loyalty is not None:
            said = decision.loyalty
            before = said.former if said.stage == SLIPPING else said.stage
            if before != SLIPPING:  # else they speak of us while they slip
                stages[decision.customer] = before
        elif decision.what == "decided" and decision.policy and not decision.gate and decision.customer:
            answered.setdefault(decision.customer, []).append(_answered(decision, stages.get(decision.customer, "")))
    sent = [one for one in unread.triggers(line.triggers) if isinstance(one, Trigger)]
    costs = {one.id: one.cost for one in sent}
    unsent -= {one.decision for one in sent if one.decision != one.id and one.id not in unsent}  # sent again
    found.stops.hears(stops)
    found.merged += len(merged & answered.keys())
    answered = {customer: asked for customer, asked in answered.items() if customer not in merged}
    happened = {customer: Happened() for customer in answered}
    now = 0
    for arrival in line.touchpoints:
        now = max(now, arrival.timestamp)
        found.first = min(found.first or arrival.timestamp, arrival.timestamp)
        value = arrival.value
        if value and arrival.key is None and _POLICY in value:
            keep_policy(policies, value)
            continue
        touch = read(value, arrival.key, arrival.timestamp)
        if not isinstance(touch, Rejected) and touch.customer in happened:
            happened[touch.customer].take(touch)
    found.last, found.unread = max(found.last, now), found.unread + unread.records
    for customer, asked in answered.items():
        seen = happened[customer]
        seen.done()
        arms = [(one.time, CONTROL if one.control else one.action or ALONE) for one in asked]
        found.renewals.take(arms, seen.renewed, seen.cancelled, seen.used, now)
        _take(found, _Customer(customer, asked, seen, costs, unsent, now), policies, terms)


class _Customer(NamedTuple):
    name: str
    asked: list[Answered]
    seen: Happened
    costs: dict[str, float]
    unsent: set[str]
    now: int


def _answered(decision: Decision, stage: str) -> Answered:
    chances = {
        "" if one.action == LEAVE_ALONE else one.action: one.chance / ONE for one in decision.candidates if one.chance
    }
    action = "" if decision.action == LEAVE_ALONE else decision.action
    asked = (decision.time, action, decision.control, decision.level, decision.policy, chances, decision.trigger)
    return Answered(*asked, decision.tier, decision.exempt, stage)


def keep_policy(policies: dict[str, PolicyInForce], value: bytes) -> None:
    """A record's policy, by its name; one that is none was refused."""
    try:
        data: Any = json.loads(value)["data"]
        policy = PolicyInForce.of(int(data["number"]), str(data["text"]))
    except (ValueError, KeyError, TypeError, PolicyUnfit, msgspec.ValidationError):
        return
    policies[policy.name] = policy


def _take(found: Found, customer: _Customer, policies: dict[str, PolicyInForce], terms: Terms) -> None:
    indexed: set[str] = set()
    for one in customer.asked:
        policy = policies.get(one.policy)
        if policy is None:
            found.without_policy += 1
            continue
        control = policy.policy.control
        action = policy.policy.action.get(one.action)
        if not one.chances and (action is None or action.purpose != "marketing"):
            continue
        if control.salt not in indexed:
            indexed.add(control.salt)
            if not 0.0 < control.share < 1.0:
                pass  # nobody is held out, or everybody
            elif one.exempt or customer.seen.customer_class(one.time) in control.exempt:
                found.exempt += 1
            else:
                window = ms_of(policy.policy.choice.window)
                ages = found.ages.setdefault(control.salt, (window, 2 * window, LAST_AGE))
                value = policy.policy.value
                if value is not None and value.acquisition_cost is not None:
                    found.acquisition[control.salt] = value.acquisition_cost
                found.units.append((control.salt, _unit(customer, one, policy, ages, policies, terms)))
        if one.chances and not one.control:
            _take_draw(found, customer, one, ms_of(policy.policy.choice.window), policies, terms)


def _take_draw(
    found: Found, customer: _Customer, one: Answered, window: int, policies: dict[str, PolicyInForce], terms: Terms
) -> None:
    until = one.time + window
    if until + LATE > customer.now:
        found.open_draws += 1
        return
    contacts, off = _given(customer, [one], policies, until)
    money = cut(earned(terms.margin, customer.seen.money(one.time, until), off), terms.cap) - contacts
    kept = customer.seen.kept(one.time, until)
    group = customer.seen.customer_class(one.time)
    found.draws.append(Draw(one.time, one.action, one.chances, kept, money, one.level, one.tier, group, one.stage))


def _unit(
    customer: _Customer,
    index: Answered,
    policy: PolicyInForce,
    ages: tuple[int, ...],
    policies: dict[str, PolicyInForce],
    terms: Terms,
) -> Unit:
    control, seen, at = policy.policy.control, customer.seen, index.time
    window = ages[0]
    before = Seen(seen.kept(at - window, at), seen.money(at - window, at) * terms.margin, (False,) * len(HARMS))

    def then(age: int) -> Seen | None:
        until = at + age
        if until + LATE > customer.now:
            return None
        sent = [one for one in customer.asked if at <= one.time <= until]
        contacts, off = _given(customer, sent, policies, until)
        money = earned(terms.margin, seen.money(at, until), off) - contacts
        return Seen(seen.kept(until - window, until), money, seen.harms(at, until), contacts + off)

    placebo = in_share(control.share, Domain.AA, control.salt.encode(), customer.name.encode())
    return Unit(at, index.control, control.share, placebo, before, tuple(map(then, ages)))


def _given(
    customer: _Customer, sent: Iterable[Answered], policies: dict[str, PolicyInForce], until: int
) -> tuple[float, float]:
    """What triggers cost, and what those that were redeemed by then took off prices. One that was given back cost
    nothing."""
    cost = off = 0.0
    redeemed = {coupon: off for time, coupon, off in customer.seen.redeemed if time <= until}
    for one in sent:
        if one.trigger and one.trigger not in customer.unsent:
            cost += customer.costs.get(one.trigger, 0.0)
            policy = policies.get(one.policy)
            action = policy.policy.action.get(one.action) if policy is not None else None
            if action is not None and one.trigger in redeemed:
                off += redeemed[one.trigger] or action.discount
    return cost, off
