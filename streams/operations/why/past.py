"""What was decided about a customer, as plain data: who asked, what was looked at, what was drawn, what became of it.

Times are ISO 8601, UTC; None where unknown. JSON types only.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import to_builtins

from models.decisions.choosing.described import DESCRIBED
from models.decisions.draw import ONE
from models.decisions.words import BECAME, DRAWN, told
from models.outputs import Candidate, Decision, Drawn, Trigger
from models.outputs.ledger_entry import LedgerEntry
from models.outputs.loyalty_entry import LoyaltyEntry
from models.outputs.membership_entry import MembershipEntry
from models.outputs.membership_entry import told as amount_told
from streams.operations.customer.person import iso
from streams.operations.customer.standing import gate
from streams.operations.why.outputs import Outputs
from streams.text import as_words

OUTCOMES: Final = frozenset(BECAME)
"""What is said of a trigger after it was made."""


def past(outputs: Outputs, until: int) -> list[dict[str, Any]]:
    """Each decision, oldest first, with its trigger and what became of that. until: log time, ms; what became of
    triggers is told to the end."""
    entries: list[dict[str, Any]] = []
    by_trigger: dict[str, dict[str, Any]] = {}
    for decision in outputs.decisions:
        if decision.what in OUTCOMES and decision.trigger in by_trigger:
            by_trigger[decision.trigger]["became"].append(_outcome(decision))
        elif decision.time <= until:
            entries.append(entry := _entry(decision, outputs.triggers.get(decision.trigger)))
            if decision.trigger:
                by_trigger.setdefault(decision.trigger, entry)
    return entries


def last_asked(entries: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The last in which something was asked and answered; None: there is none."""
    return next((one for one in reversed(entries) if one["moment"] or one["action"]), None)


def _entry(decision: Decision, trigger: Trigger | None) -> dict[str, Any]:
    at = decision.at
    return {
        "time": iso(decision.time),
        "id": decision.id,
        "what": decision.what,
        "moment": decision.moment or None,
        "level": decision.level or None,
        "asked_by": {
            "by": "timer" if at.due else "touchpoint",
            "partition": at.partition,
            "offset": at.offset,
        },
        "action": decision.action or None,
        "channel": decision.channel or None,
        "control_group": decision.control,
        **(gate(decision.gate) if decision.gate else {"gate": None, "why": None}),
        "until": iso(decision.until),
        "reason": decision.reason or None,
        "candidates": [_candidate(one) for one in decision.candidates],
        "drawn": None if decision.drawn is None else _drawn(decision.drawn),
        "ended": None if decision.ended is None else to_builtins(decision.ended),
        "trigger": None if trigger is None else _trigger(trigger),
        "became": [_outcome(decision)] if decision.what in OUTCOMES else [],
        "risk": None if decision.probability is None else round(decision.probability, 4),
        "value": decision.value,
        "tier": decision.tier or None,
        "levels_of": decision.levels_of or None,
        "levels_of_stage": decision.levels_of_stage or None,
        "model_version": decision.model_version,
        "policy": decision.policy or None,
        "group": decision.group or None,
        "ledger": None if decision.ledger is None else _booked(decision.ledger),
        "loyalty": None if decision.loyalty is None else _looped(decision.loyalty),
        "membership": None if decision.membership is None else _changed(decision.membership),
    }


def _booked(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "change": entry.change,
        "points": entry.points,
        "words": entry.words,
        "balance": entry.balance,
        "pending": entry.pending,
        "rule": entry.rule or None,
        "why": entry.why or None,
        "lots": [{"expires": iso(expires), "points": points} for expires, points in entry.lots],
        "pending_lots": [
            {"active_at": iso(active_at), "expires": iso(expires), "points": points}
            for active_at, expires, points in entry.held
        ],
        "owed": entry.owed,
        "cause": entry.cause or None,
    }


def _looped(entry: LoyaltyEntry) -> dict[str, Any]:
    return {
        "stage": entry.stage,
        "former": entry.former or None,
        "index": entry.index,
        "words": entry.words,
        "spoke_well": entry.praise,
        "spoke_ill": entry.blame,
        "voice": entry.voice or None,
        "way": entry.way or None,
        "cause": entry.cause or None,
    }


def _changed(entry: MembershipEntry) -> dict[str, Any]:
    return {
        "change": entry.change,
        "words": entry.words,
        "level": entry.level or None,
        "before": entry.before or None,
        "counts": entry.counts,
        "counted": amount_told(entry.counted, entry.counts),
        "until": iso(entry.until),
        "lots": [{"lapses": iso(at), "amount": amount} for at, amount in entry.lots],
        "cause": entry.cause or None,
    }


def _drawn(drawn: Drawn) -> dict[str, Any]:
    """What the learned choice drew by, each feature by its name."""
    return {
        "why": drawn.why,
        "because": DRAWN.get(drawn.why) or None,
        "worth": drawn.worth,
        "price": round(drawn.price, 4),
        "prices": {name: round(price, 6) for name, price in drawn.prices.items()},
        "features": dict(zip(DESCRIBED, drawn.features, strict=False)),
    }


def _candidate(one: Candidate) -> dict[str, Any]:
    learned = (
        {"sd": round(one.sd, 4), "arm": one.arm, "state": one.state, "price": round(one.price, 4)} if one.state else {}
    )
    return {
        "action": one.action,
        "channel": one.channel or None,
        "gates": [gate(code) for code in one.gates],
        "score": round(one.score, 4),
        "chance": round(one.chance / ONE, 6),
        **learned,
    }


def _outcome(decision: Decision) -> dict[str, Any]:
    return {
        "time": iso(decision.time),
        "what": decision.what,
        "why": told(decision.what),
        "reason": decision.reason or None,
        "because": (told(decision.reason) or f"After {as_words(decision.reason)}.") if decision.reason else None,
    }


def _trigger(trigger: Trigger) -> dict[str, Any]:
    return {
        "id": trigger.id,
        "action": trigger.action,
        "channel": trigger.channel,
        "purpose": trigger.purpose or None,
        "kind": trigger.kind or None,
        "content": trigger.content or None,
        "language": trigger.language or None,
        "not_before": iso(trigger.not_before),
        "expires": iso(trigger.expires_at),
        "usable_until": iso(trigger.valid_until),
        "coupon": trigger.coupon or None,
        "cost": trigger.cost,
        "propensity": trigger.propensity or None,
        "parameters": trigger.parameters,
        "notices": list(trigger.notices),
    }
