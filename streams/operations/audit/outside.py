"""What comes from outside: other senders who ask for room, previews, and customers who only try things out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from models.outputs import Decision, Trigger
from models.touchpoints import Kind, Touch
from streams.operations.audit.breaches import Finding
from streams.operations.audit.checks import amount, hours, people
from streams.operations.audit.checks.case import Case
from streams.operations.audit.dialogue import Dialogue, Sent
from streams.operations.audit.person import Person, milliseconds
from streams.operations.audit.policies import Policy
from streams.operations.audit.records import Place

ASKS: Final = frozenset({Kind.ASKED_MAY, Kind.PREVIEW_ASKED})
"""Records that are no touch of the customer's."""
MAY_CONTACT, PREVIEWED = "may_contact", "previewed"
OTHERS: Final = "others"
"""In place of a kind of actions."""


def of_test(trigger: Trigger, decision: Decision | None, person: Person, asked: Touch | None) -> Iterator[Finding]:
    """Who tries things out gets triggers that say so, and nobody else does. asked: what came at its place."""
    data: Any = asked.data if asked is not None and asked.kind == Kind.PREVIEW_ASKED else None
    if decision is not None and decision.what == PREVIEWED:
        if data is None or (data.to, data.action) != (trigger.customer, trigger.action):
            wanted = "no preview was asked" if data is None else f"{data.action} to {data.to} was asked"
            yield Finding("test", wanted, f"{trigger.action} to {trigger.customer}")
        if not trigger.test:
            yield Finding("test", "a preview is a test", "a trigger that is none")
    elif trigger.test != person.tries(trigger.time):
        is_one = "tries things out" if person.tries(trigger.time) else "is a customer"
        yield Finding("test", f"{trigger.customer} {is_one}", f"test {trigger.test}")
    if trigger.test and trigger.reserved:
        yield Finding("test", "a test takes nothing of budgets", f"{trigger.reserved}")


def of_reservation(
    decision: Decision, place: Place, asked: Touch | None, person: Person, dialogue: Dialogue, policy: Policy
) -> list[Finding]:
    """What was promised to another sender is a contact that may yet be made, and had to pass the gates of one."""
    if not decision.trigger or dialogue.named(decision.trigger) is not None:
        return []
    if asked is None or asked.kind != Kind.ASKED_MAY:
        return [Finding("may_contact", "nobody asked here", f"reserved {decision.trigger}")]
    data: Any = asked.data
    usable = milliseconds(data.until) if data.until else decision.until
    contact = _contact(decision, place, data.purpose, data.promotion)
    table = {"purpose": data.purpose, "kind": OTHERS, "promotion": data.promotion, "moments": []}
    case = Case(policy, person, dialogue, contact, table, {}, decision)
    found = chain.from_iterable(check(case) for check in (people.check, hours.check, amount.check))
    findings = [Finding("may_contact", f"{one.rule}: {one.says}", one.done) for one in found if one.rule not in _OURS]
    sent = Sent(
        decision.trigger,
        place,
        decision.time,
        decision.until,
        data.purpose,
        data.channel,
        OTHERS,
        usable=usable,
        promotion=data.promotion,
        others=True,
    )
    dialogue.sent.append(sent)
    return findings


_OURS: Final = frozenset({"promotion_used", "expires_in_quiet_hours", "presence", "unlike_policy"})
"""Rules about what we send, not about whom is written to."""


def _contact(decision: Decision, place: Place, purpose: str, promotion: bool) -> Trigger:
    """In the form in which the rules look at what goes out."""
    return Trigger(
        id=decision.trigger,
        customer=decision.customer,
        action="",
        channel=decision.channel,
        probability=0.0,
        drivers=[],
        episode=0,
        step=0,
        time=decision.time,
        expires_at=decision.until,
        model_version=0,
        at=decision.at,
        purpose=purpose,
        kind=OTHERS,
        coupon=decision.trigger if promotion else "",
    )
