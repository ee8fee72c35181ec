"""What a trigger says, beside what the policy says of its action and moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from models.touchpoints import Kind
from streams.operations.audit.breaches import Finding
from streams.operations.audit.checks.case import Case
from streams.operations.audit.checks.dates import asked_since, rings
from streams.operations.audit.policies import span
from streams.operations.audit.predicate import holds, of_data, of_person
from streams.operations.audit.records import SECOND
from streams.operations.audit.rewards import chosen

ACCOUNTS = ("business", "reseller", "partner")
"""Classes whose contacts would have to be counted by account."""


def check(case: Case) -> Iterator[Finding]:
    """The rules of the family `what`, but for the policy and the action themselves."""
    action, trigger = case.action, case.trigger
    channels = tuple(action.get("channels") or case.policy.channels)
    if trigger.channel not in case.policy.channels or trigger.channel not in channels:
        yield Finding("unknown_channel", f"channels {list(channels)}", f"by {trigger.channel}")
    yield from _live(case)
    if "." in trigger.moment:
        pass  # a step: `streams.operations.audit.checks.plan`
    elif trigger.moment not in action.get("moments", ()):
        yield Finding("wrong_moment", f"moments {list(action['moments'])}", f"asked by {trigger.moment}")
    elif case.moment.get("sort") == "risk":
        yield from _level(case)
    elif case.moment:
        yield from _cause(case)
    classes = action.get("classes")
    if classes and case.customer_class not in classes:
        yield Finding("wrong_class", f"classes {list(classes)}", f"a {case.customer_class}")
    account = case.marketing and case.customer_class in ACCOUNTS
    if action.get("human") or account:
        why = f"a {case.customer_class} buys for an account" if account else "the action says so"
        yield Finding("for_a_person", f"a person does it: {why}", "triggered")
    if (condition := action.get("when")) is not None:
        risk = case.decision.probability if case.decision else None
        if holds(condition, of_person(case.person, case.now, risk)) is False:
            yield Finding("condition", f"when {condition}", "it is false of the customer")
    if action.get("reward") and chosen(case.policy, case.person) is None:
        yield Finding("condition", "a reward of the catalogue is within reach", "none is")
    yield from _unlike(case)
    yield from _expiry(case)


def _live(case: Case) -> Iterator[Finding]:
    action = case.action
    if action.get("mode", "live") != "live":
        yield Finding("unknown_action", f"mode {action['mode']!r}", "triggered")
    begins, ends = _ms(action.get("from")), _ms(action.get("until"))
    if (begins and case.now < begins) or (ends and case.now >= ends):
        yield Finding("unknown_action", f"from {action.get('from')} until {action.get('until')}", f"at {case.now}")


def _ms(moment: Any) -> int:
    if not isinstance(moment, datetime):
        return 0
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _level(case: Case) -> Iterator[Finding]:
    levels = case.policy.levels(case.customer_class)  # those of a tier or stage have the same names
    named = [level["name"] for level in levels]
    may = [
        name
        for name in named
        if name in (case.action.get("levels") or named) and name in (case.moment.get("levels") or named)
    ]
    if case.trigger.level not in may:
        yield Finding("wrong_level", f"at {may}", f"at {case.trigger.level!r}")
    risk = case.decision.probability if case.decision else None
    of = (case.decision.levels_of, case.decision.levels_of_stage) if case.decision else ("", "")
    if risk is not None and risk < (leaves := case.policy.leaves(case.customer_class, *of)):
        yield Finding("wrong_level", f"an episode is over below {leaves}", f"the risk was {risk}")


def _cause(case: Case) -> Iterator[Finding]:
    """Some touchpoint of the moment has come within its life, and has not had its answer."""
    if case.moment.get("sort") in ("date", "unanswered", "points", "spoke_well", "membership"):
        yield from _rang(case)
        return
    life = span(case.moment.get("within", "3d"))
    types, condition = case.moment.get("touchpoints", []), case.moment.get("when")
    causes = [
        asked
        for asked, touch in case.dialogue.causes
        if asked + life >= case.now - SECOND
        and Kind(touch.kind).type in types
        and (condition is None or holds(condition, of_data(touch.data)) is not False)
    ]
    if (nth := case.moment.get("nth", 1)) > 1:
        causes = [asked for asked in causes if _counts(case, asked) >= nth]
    if not causes:
        says = f"{' or '.join(types)} within {case.moment.get('within', '3d')}"
        yield Finding("no_cause", says, "no such touchpoint came")
        return
    yield from _again(case, min(causes), len(causes), "touchpoints asked")


def _counts(case: Case, asked: int) -> int:
    """How many touchpoints of a moment had come within its `in` when one came."""
    types, last = case.moment.get("touchpoints", []), span(case.moment["in"])
    times = [(at, touch.time) for at, touch in case.dialogue.causes if Kind(touch.kind).type in types]
    own = [time for at, time in times if at == asked]
    return max(sum(at <= asked and time > one - last for at, time in times) for one in own)


def _rang(case: Case) -> Iterator[Finding]:
    """A date has come, a silence lasted, or nothing has answered; each has its answer once."""
    sort, moment = case.moment["sort"], case.trigger.moment
    by_sign = case.moment.get("silent_for") or case.moment.get("field") in ("customer_since", "anniversary")
    if by_sign and case.alive != "purchase":
        return  # other signs of staying are the engine's to know
    if sort == "spoke_well" and (case.person.loop is None or case.person.loop.unsure):
        return
    found = rings(case)
    if not found:
        yield Finding(
            "no_cause" if sort in ("points", "spoke_well", "membership") else sort,
            f"{moment}: {dict(case.moment)}",
            f"nothing of the kind at {case.now}",
        )
        return
    yield from _again(case, min(found), max(len(found), asked_since(case, min(found))), "times it asked")


def _again(case: Case, first: int, causes: int, what: str) -> Iterator[Finding]:
    """first: when the first of these causes came."""
    former = [one for one in case.dialogue.sent if one.moment == case.trigger.moment and one.time >= first]
    unsent = sum(one.given_back or one.bounced for one in former)
    if len(former) >= causes + min(unsent, causes):
        says = f"{causes} {what}, and {unsent} triggers were not sent or did not arrive"
        yield Finding("asked_again", says, f"trigger number {len(former) + 1}")


def _unlike(case: Case) -> Iterator[Finding]:
    trigger, action = case.trigger, case.action
    reward = (chosen(case.policy, case.person) or {}) if action.get("reward") else {}
    told = {
        "purpose": (case.purpose, trigger.purpose),
        "kind": (action["kind"], trigger.kind),
        "priority": (action.get("priority", 5), trigger.priority),
        "content": (action["content"], trigger.content),
        "parameters": (dict(action.get("parameters", {})) | reward, trigger.parameters),
        "notices": (tuple(action.get("notices", ())), tuple(trigger.notices)),
    }
    for name, (says, done) in told.items():
        if says != done:
            yield Finding("unlike_policy", f"{name} {says!r}", f"{name} {done!r}")


def _expiry(case: Case) -> Iterator[Finding]:
    lead = case.lead
    trigger, life = case.trigger, span(case.action.get("expires", "3d")) + lead
    if trigger.expires_at <= case.sent_from:
        yield Finding("expiry", "it expires after it may be sent", f"{trigger.expires_at} after {case.sent_from}")
    elif trigger.expires_at > case.sent_from + life + SECOND:
        says = f"expires {case.action.get('expires', '3d')}"
        yield Finding("expiry", says, f"{trigger.expires_at - case.sent_from} ms after {case.sent_from}")
    if case.action.get("promotion"):
        usable = case.action.get("valid")
        if usable and not trigger.valid_until:
            yield Finding("expiry", f"valid {usable}", "no valid_until")
        elif usable and trigger.valid_until > trigger.expires_at + lead + span(usable) + SECOND:
            yield Finding("expiry", f"valid {usable}", f"until {trigger.valid_until}, sent by {trigger.expires_at}")
        elif trigger.valid_until and trigger.valid_until < trigger.expires_at:
            yield Finding(
                "expiry", "usable when it is sent", f"until {trigger.valid_until}, sent by {trigger.expires_at}"
            )
