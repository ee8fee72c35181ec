"""How often and how much: caps, least times, promotions, and what marketing waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from streams.operations.audit.breaches import Finding
from streams.operations.audit.checks.case import Case
from streams.operations.audit.dialogue import Sent
from streams.operations.audit.ledger import taken_by
from streams.operations.audit.policies import span
from streams.operations.audit.records import SECOND

WEEK: Final = 7 * 86_400_000


def check(case: Case) -> Iterator[Finding]:
    """The rules of the family `how often`."""
    yield from _caps(case)
    yield from _once(case)
    takes = taken_by(case.policy, case.action)
    if case.trigger.reserved != takes:
        yield Finding("reserved", f"takes {takes} of budgets", f"takes {case.trigger.reserved}")
    if case.action.get("promotion"):
        yield from _promotions(case)
    if not case.marketing:
        return
    yield from _unprofitable(case)
    cases = case.person.cases
    if cases:
        yield Finding("open_case", "no marketing while a case is open", f"{len(cases)} open: {sorted(cases)[0]}")
    declined = case.dialogue.declined_on.get(case.trigger.channel)
    rests = case.policy.declines(case.trigger.channel, case.person.country)
    if declined is not None and case.sent_from + SECOND <= declined + rests:
        says = f"a rest on {case.trigger.channel} of {rests} ms from {declined}"
        yield Finding("rest", says, f"at {case.sent_from}")
    for after, rest in case.dialogue.rests.items():
        lasts = min(case.policy.rest(after), rest.until - rest.time)
        if case.sent_from + SECOND <= rest.time + lasts:
            yield Finding("rest", f"rest.{after} {lasts} ms from {rest.time}", f"at {case.sent_from}")


def _unprofitable(case: Case) -> Iterator[Finding]:
    """By the value that the decision says it was made from."""
    rules, decision, action = case.policy.value, case.decision, case.action
    if rules is None or decision is None or decision.value is None:
        return
    kept = decision.value
    if decision.probability is not None:
        kept /= max(1 - decision.probability, 1e-9)
    most = rules.get("margin", 1) * kept * rules.get("spend_at_most", 1)
    most = min(most, rules.get("acquisition_cost", most))
    costs = action.get("liability", action.get("discount", 0) + action.get("cost", 0))
    if costs > most:
        yield Finding("unprofitable", f"{most:.2f} at most for a value of {decision.value:.2f}", f"may cost {costs:g}")


def _counted(case: Case, within: int, counts: Callable[[Sent], bool]) -> int:
    """Contacts in the rolling time that ends now. The engine keeps whole seconds."""
    begin = case.now // SECOND - within // SECOND
    times = (sent.contact(case.now) for sent in case.dialogue.sent if counts(sent))
    return sum(1 for time in times if time is not None and time // SECOND > begin)


def _caps(case: Case) -> Iterator[Finding]:
    purpose, trigger = case.purpose, case.trigger
    for cap in case.policy.caps():
        channel, kind = cap.get("channel"), cap.get("kind")
        if cap.get("purpose", "marketing") != purpose or (channel or trigger.channel) != trigger.channel:
            continue
        if (kind or case.action["kind"]) != case.action["kind"]:
            continue
        if case.person.country and case.person.country not in cap.get("countries", [case.person.country]):
            continue
        before = _counted(
            case,
            span(cap["within"]),
            lambda sent, channel=channel, kind=kind: (  # type: ignore[misc]
                sent.purpose == purpose
                and (channel is None or sent.channel == channel)
                and (kind is None or sent.kind == kind)
            ),
        )
        kept = cap.get("reserve", 0) if case.action.get("priority", 5) < cap.get("reserve_for", 7) else 0
        if before + 1 > cap["most"] - kept:
            yield Finding("cap", str(dict(cap)), f"contact number {before + 1}")
    if not case.marketing:
        return
    if most := case.person.max_per_week:
        before = _counted(case, WEEK, _is_marketing)
        if before + 1 > most:
            yield Finding("own_cap", f"the customer wants {most} a week", f"contact number {before + 1}")
    rest = case.policy.contact.get("cool_down", "0s")
    if span(rest) and _counted(case, span(rest), _is_marketing):
        yield Finding("cool_down", f"cool_down {rest}", "another contact lies in it, or may yet be sent")


def _is_marketing(sent: Sent) -> bool:
    return sent.purpose == "marketing"


def _once(case: Case) -> Iterator[Finding]:
    tables = (("moment", case.trigger.moment, case.moment), ("action", case.trigger.action, case.action))
    for what, name, table in tables:
        last, once = case.dialogue.once.get((what, name)), table.get("once_per")
        if last is None or not once or last[0].given_back or (what == "moment" and last[0].bounced):
            continue
        sent, then = last
        if case.now + SECOND < sent.time + min(span(once), then):
            yield Finding(f"once_per_{what}", f"{name} once per {once}", f"{sent.id} {case.now - sent.time} ms before")


def _promotions(case: Case) -> Iterator[Finding]:
    done, since = f"another with {case.trigger.id}", case.dialogue.episode
    for sent in case.dialogue.sent:
        if sent.offers(case.now + SECOND):
            yield Finding("promotion_open", f"one at a time; {sent.id or 'of others'} until {sent.usable}", done)
        ours = sent.id and not sent.others and sent.promotion and not sent.given_back
        if since and ours and sent.time >= since:
            yield Finding("promotion_used", f"one an episode; {sent.id} was this one's", done)
