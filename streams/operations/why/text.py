"""A customer's story of decisions as text, for the team."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from models.decisions.waits import LEAVE_ALONE
from models.decisions.words import STATES
from models.outputs import TASK
from streams.operations.customer.shared import shared_text
from streams.operations.customer.standing import out_text, wait_text, window_text
from streams.text import as_words, moment

_FRACTION = re.compile(r"(?<=:\d\d)\.\d+(?=Z)")


def now_lines(now: dict[str, Any]) -> Iterator[str]:
    """How we stand with them (`streams.operations.customer.standing.standing_view`)."""
    yield f"policy {now['policy']}"
    if now["control_group"]:
        yield "of the control group: no marketing, so that it can be seen what marketing does"
    if now["value"] is not None:
        yield f"worth {now['value']:,.2f} within the horizon" + (f", tier {now['tier']}" if now["tier"] else "")
    since = f", in an episode since {now['episode_since']}" if now["episode_since"] else ""
    whose = "".join(f", by those of {one}" for one in _levels_of(now))
    yield (f"at level {now['level']}{since}" if now["level"] else "at no level of risk") + whose
    for name in ("nothing_drawn_before", "marketing_rests_until", "after_bad_experience_until"):
        if now[name]:
            yield f"{as_words(name)} {now[name]}"
    if now["window"]:
        yield f"drawn: {window_text(now['window'])}"
    for wait in now["waits"]:
        yield f"waits: {wait_text(wait)}"
        yield from (f"  {line}" for one in wait["candidates"] for line in _candidate(one))
    for out in now["out"]:
        yield f"out: {out_text(out)}" + (f", expires {out['expires']}" if out["expires"] else "")
    for shared in now["shared"]:
        yield f"shared: {shared_text(shared)}"
    for used in now["contacts"]:
        of = " ".join(filter(None, (used["purpose"], used["kind"], used["channel"] and f"by {used['channel']}")))
        own = " as the customer wishes" if used["wished"] else ""
        frees = f", the next from {used['frees_at']}" if used["frees_at"] else ""
        yield f"contacts: {of} {used['used']} of {used['most']} within {used['within']}{own}{frees}"


def _levels_of(told: dict[str, Any]) -> list[str]:
    """By whose levels of risk: those of a stage come before those of a tier."""
    stage, tier = told["levels_of_stage"], told["levels_of"]
    return [f"stage {as_words(stage)}"] if stage else [f"tier {tier}"] if tier else []


def entry_lines(entry: dict[str, Any]) -> Iterator[str]:
    """One decision (`streams.operations.why.past`), times to the second."""
    return (_FRACTION.sub("", line) for line in _entry(entry))


def _entry(entry: dict[str, Any]) -> Iterator[str]:
    yield f"{entry['time']}  {_headline(entry)}"
    asked = entry["asked_by"]
    where = f"{asked['partition']}[{asked['offset']}]"
    touchpoint = entry.get("touchpoint")
    named = f" {touchpoint['type']} {touchpoint['id']}" if touchpoint else ""
    parts = [f"at a timer before {where}" if asked["by"] == "timer" else f"at the touchpoint{named} {where}"]
    if entry["risk"] is not None:
        parts.append(f"risk {entry['risk']:.2f}")
    if entry["value"] is not None:
        parts.append(f"worth {entry['value']:,.2f}" + (f" (tier {entry['tier']})" if entry["tier"] else ""))
    parts += [f"by the levels of {one}" for one in _levels_of(entry)]
    if entry["model_version"] is not None:
        version = entry["model_version"]
        parts.append(f"model of {moment(version)}" if version >= 0 else "untrained model")
    if entry["policy"]:
        parts.append(f"policy {entry['policy']}")
    yield f"    {', '.join(parts)}"
    if entry["reason"] and not entry["became"]:
        yield f"    because: {entry['reason']}"
    if drawn := entry["drawn"]:
        because = drawn["because"] or drawn["why"]
        said = because.rstrip(".").lower() == (entry["reason"] or "").lower() and not entry["became"]
        dear = f" Contact that is not proven had to bring {drawn['price']:,.2f} more." if drawn["price"] else ""
        yield f"    {drawn['worth']:,.2f} at stake.{'' if said else f' {because}'}{dear}"
    if ended := entry["ended"]:
        yield f"    {ended_text(ended)}"
    for one in entry["candidates"]:
        yield from (f"    {line}" for line in _candidate(one))
    if trigger := entry["trigger"]:
        usable = f", can be used until {trigger['usable_until']}" if trigger["usable_until"] else ""
        purpose = f" {trigger['purpose']}," if trigger["purpose"] else ""
        first = f" from {trigger['not_before']} on," if trigger["not_before"] else ""
        yield f"    trigger {trigger['id']}:{purpose} to be sent{first} before {trigger['expires']}{usable}"
    for one in entry["became"]:
        because = f" {one['because']}" if one["because"] else ""
        yield f"    {one['time']}  {as_words(one['what'])}: {one['why']}{because}"


def ended_text(ended: dict[str, Any]) -> str:
    """What came of a draw by the learned choice."""
    if ended.get("unlearned") in ("erased", "restricted"):
        return f"nothing is kept of what came: {as_words(ended['unlearned'])}"
    bought = f"bought for {ended.get('net', 0.0):,.2f} net" if ended.get("bought") else "bought nothing"
    parts = [bought, f"{ended.get('gain', 0.0):,.2f} of {ended.get('worth', 0.0):,.2f} at stake"]
    parts += [f"discounts of {ended['given']:,.2f}"] if ended.get("given") else []
    parts += [as_words(harm) for harm in ended.get("harms", ())]
    parts += ["not learned: the alarm held"] if ended.get("unlearned") else []
    return ", ".join(parts)


def _headline(entry: dict[str, Any]) -> str:
    asked = f"{entry['moment'] or ''} {entry['level'] or ''}".strip()
    before = f"{asked}: " if asked else ""
    action = f"{entry['action']}" + (f" by {entry['channel']}" if entry["channel"] else "")
    held = f"{entry['gate']}: {entry['why'] or 'no words for it'}" if entry["gate"] else ""
    match entry["what"]:
        case "ledger" if entry["ledger"]:
            return str(entry["ledger"]["words"])
        case "loyalty" if entry["loyalty"]:
            return str(entry["loyalty"]["words"])
        case "membership" if entry["membership"]:
            return str(entry["membership"]["words"])
        case "waits":
            return f"{before}waits until {entry['until']}, held by {held}"
        case "void":
            return f"{before}void, the risk has fallen or nobody is estimated any more"
        case "decided" if entry["action"] == TASK:
            return f"{before}a task for a person, held by {held}"
        case "decided" if entry["gate"]:
            return f"{before}nothing may be done, held by {held}"
        case "decided" if entry["control_group"]:
            return f"{before}nothing, of the control group; it would have been {as_words(action)}"
        case "decided" if entry["action"] == LEAVE_ALONE:
            return f"{before}left alone, as it was drawn"
        case "decided":
            return f"{before}{action}" + (", offered to the other one of a conversation, too" if entry["group"] else "")
        case "outcome":
            return f"what came of the draw {entry['ended']['decision'] if entry['ended'] else ''}".rstrip()
        case "shadow":
            return f"{before}{action}, if what is in shadow were live"
        case "may_contact":
            may = f"may not write, held by {held}" if held else "may write"
            return f"another sender {may}" + (f", by {entry['channel']}" if entry["channel"] else "")
        case "previewed":
            return f"{before}a preview of {action}" + (f", held by {held}" if held else "")
        case "plan_started":
            return f"plan {entry['moment']} begins"
        case "plan_ended":
            return f"plan {entry['moment']} ends"
        case "step_left_out":
            return f"step {entry['moment']} is left out"
        case "shared_proposed":
            return f"{before}{action} is proposed, to be offered to the other one of a conversation, too"
        case "shared_reserved":
            return f"{before}{action} is reserved, to be offered to both of a conversation"
        case "shared_refused":
            return f"{before}{action} is not offered to both of a conversation, held by {held}"
        case "shared_ended":
            return f"{before}{action} is not offered to both of a conversation any more: {held}"
    return f"{before}{as_words(entry['what'])}" + (f", {action}" if entry["action"] else "")


def _candidate(one: dict[str, Any]) -> Iterator[str]:
    """An action, and each gate that holds it."""
    name = as_words(one["action"]) if one["action"] == LEAVE_ALONE else one["action"]
    by = f" by {one['channel']}" if one["channel"] else ""
    figures = f", score {one['score']:.2f}" if one.get("score") else ""
    if state := one.get("state"):
        figures = f", expected {one['score']:+.2f} ± {one['sd']:.2f}, {STATES.get(state, state)}"
        figures += f" after {price:,.2f} for what it takes of budgets" if (price := one.get("price")) else ""
    figures += f", chance {100 * one['chance']:.3g} %" if one.get("chance") else ""
    yield f"{name}{by}{figures}{': held' if one['gates'] else ''}"
    for held in one["gates"]:
        until = f" Until {held['until']} at least." if held.get("until") else ""
        yield f"  {held['gate']}: {held['why'] or 'no words for it'}{until}"
