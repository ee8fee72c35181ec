"""What a customer's record knows of the person, for people: consent, restrictions, contract, interests, preferences."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from models.customer.consent import EVERY, Statement, unpack_register
from models.customer.contract import unpack_contract
from models.customer.interests import unpack_interests
from models.customer.layout import ERASED, NO_CONSENT, UNLEARNED, UNSCORED
from models.customer.merged import is_merged
from models.customer.record import Record
from models.customer.restrictions import unpack_restrictions
from models.customer.tail import NOT_STATED, Tail


def person_view(record: Record) -> dict[str, Any]:
    """JSON types only; None or empty where nothing is known."""
    tail = record.tail
    most = tail.max_per_week
    return {
        "class": tail.customer_class or None,
        "account": tail.account or None,
        "role": tail.role or None,
        "language": tail.language or None,
        "country": tail.country or None,
        "marketing": _marketing(record),
        "consent": _consents(tail),
        "restricted": _restrictions(tail),
        "learned_from": not record.flags & UNLEARNED,
        "scored": not record.flags & UNSCORED,
        "erased": bool(record.flags & ERASED) and not is_merged(record.flags),
        "merged_into": tail.merged or None,
        "channels": list(tail.channels),
        "topics": list(tail.topics),
        "rewards": list(tail.rewards),
        "most_contacts_per_week": None if most == NOT_STATED else most,
        "silent_until": iso(tail.silent_until),
        "quiet_hours": list(tail.quiet) or None,
        "time_zone": tail.time_zone or None,
        "programme": tail.programme or None,
        "contract": _contract(tail),
        "interests": {topic: round(count, 2) for topic, count in unpack_interests(tail.interests)[1].items()},
        "online": tail.presence or None,
        "online_since": iso(tail.presence_at),
        "open_cases": {case: iso(opened) for case, opened in tail.cases.items()},
        "more_open_cases": tail.more_cases or None,
    }


def iso(ms: float) -> str | None:
    """A time as ISO 8601, UTC; None where there is none."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat().replace("+00:00", "Z") if ms else None


def _marketing(record: Record) -> str:
    if is_merged(record.flags):
        return f"as of {record.tail.merged}"
    if record.flags & ERASED:
        return "none: erased"
    if record.flags & NO_CONSENT:
        return "none: refused"
    return "none a week, by preference" if record.tail.max_per_week == 0 else "where nothing below closes it"


def _consents(tail: Tail) -> dict[str, str]:
    told: dict[str, str] = {}
    for (purpose, channel), said in unpack_register(tail.consents).items():
        told[f"{purpose}, {'in general' if channel == EVERY else channel}"] = _said(said)
    return told


def _said(said: Statement) -> str:
    words = [f"{'granted' if said.granted else 'refused'} {iso(said.time)}"]
    if said.basis:
        words.append(f"basis {said.basis.replace('_', ' ')}")
    if said.confirmed:
        words.append("confirmed")
    if said.expires:
        words.append(f"until {iso(said.expires)}")
    if said.reference:
        words.append(f"rests on {said.reference:016x}")
    return ", ".join(words)


def _restrictions(tail: Tail) -> dict[str, str]:
    return {
        reason: f"{', '.join(sorted(said.purposes)) or 'nothing'}, since {iso(said.time)}, "
        + (f"until {iso(said.until)}" if said.until else "for good")
        for reason, said in unpack_restrictions(tail.restrictions).items()
    }


def _contract(tail: Tail) -> dict[str, Any] | None:
    if not tail.contract:
        return None
    contract = unpack_contract(tail.contract)
    return {
        "plan": contract.plan or None,
        "state": contract.state,
        "term": contract.term or None,
        "renewed": contract.renewal or None,
        "renews_at": iso(contract.renews_at),
        "cancel_by": iso(contract.cancel_by),
        "about_to_cancel_since": iso(contract.cancelling),
        "payment_open_since": iso(contract.unpaid),
        "price": round(contract.price, 2) or None,
    }
