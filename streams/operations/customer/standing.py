"""How we stand with a customer under the policy in force, for people: level, waits, what is out, contacts, control."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from models.customer.consent import EVERY
from models.customer.layout import EPISODE, PURCHASE_DAYS, RISK, TICK
from models.customer.record import Record, hash_of
from models.customer.restrictions import ACTION_PURPOSES
from models.customer.schedule import phase_of
from models.decisions.agreement import against_sharing
from models.decisions.choosing.arms import arms_of
from models.decisions.draw import in_control
from models.decisions.explain import Waits, waiting
from models.decisions.gate_table import UNFORESEEN
from models.decisions.given import Asks, Given
from models.decisions.limits import contacts, frees_at
from models.decisions.person import Person
from models.decisions.policy.asking_types import level_reached
from models.decisions.policy.contact_types import Cap
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.limits_told import caps_of
from models.decisions.policy.parts import KINDS
from models.decisions.rule_types import a_week
from models.decisions.rules import limit_of
from models.decisions.standing import IN_FLIGHT, OTHERS, Outstanding, Stage, Standing
from models.decisions.standing_stored import unpack_standing
from models.decisions.window import Mark, Window
from models.decisions.words import told
from models.engine.by_policy import Customer
from models.loyalty.loop import level_stage_named
from models.settings import EngineSettings
from models.timeline.stop_types import Stop
from streams.operations.customer.loyalty import loyalty_view
from streams.operations.customer.person import iso
from streams.operations.customer.shared import shared_text, shared_view

STAGES: Final = {
    Stage.OUT: "no word of it yet",
    Stage.DELIVERED: "arrived",
    Stage.WITHDRAWN: "taken back, the sender has not answered",
    Stage.PRESUMED: "counts as arrived",
}


def standing_view(
    customer: str,
    record: Record,
    policy: PolicyInForce,
    settings: EngineSettings,
    now: int,
    stops: tuple[Stop, ...] = (),
) -> dict[str, Any]:
    """JSON types only; None or empty where there is nothing.

    Args:
        customer: the id.
        record: decoded.
        policy: that decides in their shard.
        settings: of the shard.
        now: the shard's log time, ms.
        stops: in force in the shard.
    """
    standing, name = unpack_standing(record.tail.standing), customer.encode()
    slab = (record.flags, record.times, record.numbers, record.seconds)
    worth = (record.worth.bucket, record.worth.tier, record.worth.held)
    phase = int(phase_of(settings, hash_of(name)))
    risk = float(record.numbers[RISK]) if record.numbers[PURCHASE_DAYS] and record.times[TICK] else None
    person = Customer(name, record.tail, *slab, phase, *worth).person(risk, settings, policy)
    given = Given(policy, person, standing, now, settings.tick, phase, risk, Asks.TIMER, stops=stops)
    level = level_reached(given.levels, standing.reached)
    return {
        "policy": policy.name,
        "control_group": in_control(policy.policy.control, person, now, standing.inherited) and not person.is_test(now),
        "test_customer": person.is_test(now),
        "shares_moments": any(not against_sharing(person, channel, now) for channel in _shared_on(policy)),
        "value": person.value,
        "tier": person.tier,
        "loyalty": loyalty_view(person, now),
        "episode_since": iso(record.times[EPISODE]),
        "level": level.name if level else None,
        "levels_of": policy.tier_named(person.level_tier) if policy.by_tier else None,
        "levels_of_stage": level_stage_named(person.level_stage),
        "nothing_drawn_before": _to_come(standing.window_ends, now),
        "window": _window(policy, standing.window),
        "marketing_rests_until": _to_come(standing.rests_until, now),
        "after_bad_experience_until": _to_come(standing.harmed_until, now),
        "waits": [_wait(one) for one in waiting(given)],
        "out": [_out(policy, one, now) for one in standing.outstanding if _is_out(one, now)],
        "shared": [shared_view(policy, one) for one in standing.shared],
        "contacts": list(_contacts(policy, person, standing, now)),
    }


def _shared_on(policy: PolicyInForce) -> list[str]:
    """Channels on which two who talk may be offered the same; without any, all that is said in general."""
    return list(dict.fromkeys(one for moment in policy.policy.moment.values() for one in moment.shared_on)) or [EVERY]


def short_view(view: dict[str, Any]) -> dict[str, Any]:
    """The same, with one text for each that waits, is out or shared, and without the contacts."""
    short = {name: value for name, value in view.items() if name != "contacts"}
    short["waits"] = [wait_text(one) for one in view["waits"]]
    short["out"] = [out_text(one) for one in view["out"]]
    short["shared"] = [shared_text(one) for one in view["shared"]]
    short["window"] = None if view["window"] is None else window_text(view["window"])
    return short


def wait_text(wait: dict[str, Any]) -> str:
    """What waits, until when, and why."""
    asked = f"{wait['moment']} {wait['level'] or ''}".strip()
    until = f"until {wait['until']}" if wait["until"] else "for a touchpoint that wakes it"
    why = f"held by {wait['gate']}: {wait['why']}" if wait["gate"] else wait["why"]
    return f"{asked} {until}, {why}"


def out_text(out: dict[str, Any]) -> str:
    """What is out, and since when."""
    usable = f", can be used until {out['usable_until']}" if out["usable_until"] else ""
    by = f" by {out['channel']}" if out["channel"] else ""
    return f"{out['action']}{by} of {out['since']}, {out['stage']}{usable}"


def _window(policy: PolicyInForce, window: Window | None) -> dict[str, Any] | None:
    """The response window that the learned choice has opened; None: there is none."""
    if window is None:
        return None
    names = {arm.number: arm.action for arm in arms_of(policy).values()}
    return {
        "decision": window.id,
        "since": iso(window.opened),
        "until": iso(window.ends),
        "at_stake": window.worth / 100,
        "drawn": names.get(window.arm, f"{window.arm:08x}") if window.place else "leave_alone",
        "control_group": bool(window.marks & Mark.CONTROL),
        "came": [mark.name.lower() for mark in Mark if mark & window.marks & ~Mark.CONTROL and mark.name],
    }


def window_text(window: dict[str, Any]) -> str:
    """The same as text."""
    of = ", as it would have been" if window["control_group"] else ""
    came = f", so far {', '.join(window['came'])}" if window["came"] else ""
    return f"{window['drawn']} since {window['since']}{of}, {window['at_stake']:,.2f} at stake{came}"


def _to_come(time: int, now: int) -> str | None:
    return iso(time) if time > now else None


def _wait(one: Waits) -> dict[str, Any]:
    return {
        "moment": one.moment or "of another policy",
        "level": one.level or None,
        "asked": iso(one.asked),
        "until": iso(one.until),
        "gate": one.gate or None,
        "why": told(one.gate) or "Nothing stands against it any more: it is answered then.",
        "candidates": [
            {
                "action": found.action,
                "channel": found.channel or None,
                "gates": [gate(held.code, held.until) for held in found.held],
            }
            for found in one.judged
        ],
    }


def gate(code: str, until: int = 0) -> dict[str, Any]:
    """A gate that holds, in words; until: the earliest moment at which it may open, ms, 0: not known or never."""
    known = {"until": iso(until)} if until and code not in UNFORESEEN else {}
    return {"gate": code, "why": told(code) or None, **known}


def _is_out(one: Outstanding, now: int) -> bool:
    return one.stage in IN_FLIGHT or (one.until > now and one.stage not in (Stage.GIVEN_BACK, Stage.HELD))


def _out(policy: PolicyInForce, one: Outstanding, now: int) -> dict[str, Any]:
    others = one.kind == OTHERS
    return {
        "trigger": None if others else f"{one.id:032x}",
        "action": "a promotion by others" if others else policy.named.get(one.action, "an action of another policy"),
        "kind": None if others else KINDS[one.kind],
        "channel": policy.channel_named.get(one.channel),
        "purpose": ACTION_PURPOSES[one.purpose],
        "stage": STAGES[Stage(one.stage)],
        "since": iso(one.time),
        "expires": _to_come(one.expires, now),
        "usable_until": _to_come(one.until, now),
    }


def _contacts(policy: PolicyInForce, person: Person, standing: Standing, now: int) -> Iterator[dict[str, Any]]:
    """What counts against each cap, the policy's and the customer's own."""
    for cap in caps_of(policy.policy.contact).values():
        limit = limit_of(cap)
        if not limit.is_for(person.tail.country):
            continue
        yield _used(cap, contacts(standing, limit, now), frees_at(standing, limit, now))
    most = person.tail.max_per_week
    if most > 0:
        limit, own = a_week(most), Cap(most=most, within="7d")
        yield {**_used(own, contacts(standing, limit, now), frees_at(standing, limit, now)), "wished": True}


def _used(cap: Cap, used: int, frees: int) -> dict[str, Any]:
    return {
        "purpose": cap.purpose,
        "channel": cap.channel,
        "kind": cap.kind,
        "within": cap.within,
        "most": cap.most,
        "used": used,
        "frees_at": iso(frees),
        "wished": False,
    }
