"""Everything held about a customer, fit to be handed to them: as plain data, and as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from models.customer.consent import unpack_register
from models.customer.record import Record
from models.customer.restrictions import MARKETING
from models.decisions.counterfactuals import would_have_changed
from models.decisions.waits import LEAVE_ALONE
from models.decisions.words import kind_told, told
from models.outputs import TASK
from streams.operations.access.phrases import ENTRIES, EXPORT, LEVELS, POINTS, REFUSED, STAGES, VOICES
from streams.operations.access.places import Told
from streams.operations.access.reasons import consent_told, contested_told, reasons_told, restriction_told
from streams.operations.access.record import Item, RecordTold
from streams.operations.why.for_customer import Words
from streams.operations.why.outputs import Outputs
from streams.operations.why.past import past

END: Final = 2**62
_KEPT_AS: Final = re.compile(r"^(.*); kept as ([0-9a-f]{16})$")
_OF_MOMENT: Final = ("decided", "waits", "void")


class Held(NamedTuple):
    """What is held about a customer.

    record: theirs; None: there is none. outputs: all that was said of them. places: where it lies (`told_places`), in
    the language of `words`. events, examples, unreadable: what the topics of touchpoints, examples and deadletters
    still hold of them, as it stands there.
    """

    customer: str
    record: Record | None
    outputs: Outputs
    places: list[Told]
    words: Words
    events: list[dict[str, Any]]
    examples: list[dict[str, Any]]
    unreadable: list[dict[str, Any]]


def export(held: Held) -> dict[str, Any]:
    """JSON types only; texts in the language of `held.words`."""
    words = held.words
    entries = past(held.outputs, END)
    return {
        "customer": held.customer,
        "as_of": words.at_ms(words.at),
        "language": words.say.language,
        "time_zone": str(words.zone),
        "record": [] if held.record is None else [_item(one) for one in RecordTold(held.record, words).items()],
        "consents": _consents(held),
        "decisions": [_decision(words, one) for one in entries],
        "sent": [_sent(words, one) for one in entries if one["trigger"]],
        "events": [_event(words, one) for one in held.events],
        "learned_from": held.examples,
        "unreadable": held.unreadable,
        "kept": [one._asdict() for one in held.places],
        "can_change": [line.strip() for line in words.can_change()],
        "unread": held.outputs.unread,
    }


def _item(one: Item) -> dict[str, Any]:
    return {"field": one.name, "is": one.label, "value": one.shown or None}


# -- consents


def _consents(held: Held) -> list[dict[str, Any]]:
    """Each word on consent with the whole text of what it rests on, as the decisions topic has it; what the record
    names and the topic has no more is told as such."""
    say = held.words.say
    found: list[dict[str, Any]] = []
    named = set[str]()
    for decision in held.outputs.decisions:
        if decision.what == "consent" and (match := _KEPT_AS.match(decision.reason)):
            named.add(match[2])
            time = held.words.at_ms(decision.time)
            found.append({"time": time, "said": consent_told(match[1], say), "kept_as": match[2], "evidence": True})
    register = unpack_register(held.record.tail.consents) if held.record is not None else {}
    for (purpose, channel), said in sorted(register.items()):
        name = f"{said.reference:016x}"
        if said.reference and name in named:
            continue
        time, on = held.words.at_ms(said.time), say("by", channel=say.channel(channel)) if channel else ""
        text = say("agreed" if said.granted else "refused", to=say(purpose), on=on, time=time)
        found.append({"time": time, "said": text, "kept_as": name if said.reference else None, "evidence": False})
    return found


# -- decisions


def _decision(words: Words, entry: dict[str, Any]) -> dict[str, Any]:
    language = words.say.language
    asked = entry["what"] in _OF_MOMENT
    made = {
        "time": words.time(entry["time"]),
        "id": entry["id"],
        "what": _headline(words, entry),
        "occasion": words.occasion(entry) if asked and entry["moment"] else None,
        "used": _used(words, entry),
        "looked_at": [_looked_at(words, one) for one in entry["candidates"] if one["action"] != LEAVE_ALONE],
        "would_have_changed": [],
        "became": [_became(words, one) for one in entry["became"]],
        "model": entry["model_version"],
        "policy": entry["policy"],
    }
    if asked:
        codes = list(_codes(entry))
        made["would_have_changed"] = [one for code in codes if (one := would_have_changed(code, language))]
    return made


def _headline(words: Words, entry: dict[str, Any]) -> str:
    at, what = _at(words), entry["what"]
    if entry["action"] == TASK and what == "decided":
        return f"{told(entry['gate'], True, words.say.language)} {ENTRIES['task'][at]}"
    if what in _OF_MOMENT and entry["moment"] and not entry["trigger"]:
        return words.quiet(entry)
    if entry["trigger"]:
        trigger = entry["trigger"]
        what = kind_told(trigger["kind"] or trigger["action"], words.say.language) or words.say("message")
        return EXPORT["was_chosen"][at].format(what=what, by=words.by(trigger["channel"]))
    if entry["ledger"]:
        booked = entry["ledger"]
        change = "earned_pending" if booked["change"] == "earned" and booked["pending_lots"] else booked["change"]
        why = REFUSED[booked["why"]][at] if booked["why"] in REFUSED else booked["why"]
        return POINTS[change][at].format(**booked | {"why": why})
    if entry["loyalty"]:
        return _looped(words, entry["loyalty"])
    if changed := entry["membership"]:
        until = words.time(changed["until"]) if changed["until"] else ""
        level = (changed["level"] or "").replace("_", " ")
        return LEVELS[_level_change(changed)][at].format(level=level, until=until)
    if what in ENTRIES:
        return ENTRIES[what][at]
    return told(what, True, words.say.language) or what.replace("_", " ")


def _looped(words: Words, entry: dict[str, Any]) -> str:
    """Of the loyalty loop: at which stage they are, and how they spoke of us."""
    at = _at(words)
    said = [] if entry["voice"] is None else [VOICES[entry["voice"]][at]]
    if entry["stage"] != entry["former"]:
        said.append(EXPORT["stage"][at].format(stage=STAGES[entry["stage"]][at]))
    return " ".join(said)


def _level_change(changed: dict[str, Any]) -> str:
    """The key in `LEVELS`: without a level some changes are told otherwise."""
    key = f"{changed['change']}_none"
    return key if not changed["level"] and key in LEVELS else str(changed["change"])


def _used(words: Words, entry: dict[str, Any]) -> list[str]:
    """The data that a decision was made from."""
    at, used = _at(words), []
    if entry["risk"] is not None:
        used.append(EXPORT["estimate"][at].format(percent=f"{100 * entry['risk']:.0f}"))
    if entry["reason"] and entry["what"] in _OF_MOMENT and entry["action"] != TASK:
        used += reasons_told(entry["reason"], words.say.language)
    elif entry["reason"] and entry["what"] == "consent":
        used.append(consent_told(entry["reason"], words.say))
    elif entry["reason"] and entry["what"] == "restricted":
        used.append(restriction_told(entry["reason"], words.say.language))
    elif entry["reason"] and entry["what"] == "decision_contested":
        used.append(contested_told(entry["reason"], words.say.language))
    return used


def _looked_at(words: Words, one: dict[str, Any]) -> dict[str, Any]:
    """What was looked at in a decision: what stood against it, and what would have changed that."""
    language = words.say.language
    codes = [gate["gate"] for gate in one["gates"]]
    return {
        "what": words.action(one["action"]) + words.by(one["channel"]),
        "against": [told(code, True, language) for code in codes],
        "would_have_changed": [change for code in codes if (change := would_have_changed(code, language))],
        "chance_percent": round(100 * one["chance"], 1) if one["chance"] else None,
    }


def _codes(entry: dict[str, Any]) -> Iterator[str]:
    """The reasons of a decision, as codes of `models.decisions.counterfactuals`."""
    if entry["gate"]:
        yield entry["gate"]
    elif entry["control_group"]:
        yield "control"
    elif entry["trigger"]:
        yield "risk" if entry["level"] else "occasion"
        if entry["trigger"]["purpose"] in (None, MARKETING):
            yield "objection"
    elif entry["what"] == "decided" and entry["action"] == LEAVE_ALONE:
        yield "drawn"


def _event(words: Words, one: dict[str, Any]) -> dict[str, Any]:
    """What the customer did or met, as it was told to us."""
    value = one["value"] if isinstance(one["value"], dict) else {}
    return {
        "time": words.at_ms(one["time"]),
        "what": words.say.occasion(str(value.get("type", ""))) or None,
        "event": one["value"],
        "partition": one["partition"],
        "offset": one["offset"],
    }


def _became(words: Words, one: dict[str, Any]) -> dict[str, Any]:
    because = told(one["reason"], True, words.say.language) if one["reason"] else ""
    text = f"{told(one['what'], True, words.say.language)} {because}".strip()
    return {"time": words.time(one["time"]), "what": text}


def _sent(words: Words, entry: dict[str, Any]) -> dict[str, Any]:
    trigger = entry["trigger"]
    return {
        "time": words.time(entry["time"]),
        "id": trigger["id"],
        "what": kind_told(trigger["kind"] or trigger["action"], words.say.language) or words.say("message"),
        "channel": words.say.channel(trigger["channel"]),
        "content": trigger["content"],
        "usable_until": words.time(trigger["usable_until"]) if trigger["usable_until"] else None,
        "coupon": trigger["coupon"],
        "became": [_became(words, one) for one in entry["became"]],
    }


# -- text


def lines(told_of: dict[str, Any], words: Words) -> Iterator[str]:
    """The export as text."""
    at = _at(words)

    def say(name: str, **more: Any) -> str:
        return EXPORT[name][at].format(**more)

    yield say("title", customer=told_of["customer"], time=told_of["as_of"])
    yield words.say("zone", zone=told_of["time_zone"])
    yield from ("", say("known"), "")
    if not told_of["record"]:
        yield f"  {say('no_record')}"
    for one in told_of["record"]:
        if one["value"]:
            yield from _value(one["is"], one["value"])
    if blank := [one["is"] for one in told_of["record"] if not one["value"]]:
        yield f"  {say('nothing_of', names='; '.join(blank))}"
    yield from ("", say("consents"), "")
    for one in told_of["consents"]:
        gone = f" ({say('evidence_gone')}: {one['kept_as']})" if one["kept_as"] and not one["evidence"] else ""
        yield f"  {one['time']}: {one['said']}{gone}"
    yield from _none(told_of["consents"], say("nothing"))
    yield from ("", say("decisions"), "", f"  {say('by_computer')}")
    for one in told_of["decisions"]:
        yield from (f"  {line}" for line in _decision_lines(one, at))
    if told_of["unread"]:
        yield f"  {say('unread', count=told_of['unread'])}"
    yield from ("", say("sent"), "")
    for one in told_of["sent"]:
        coupon = f", {say('coupon', coupon=one['coupon'])}" if one["coupon"] else ""
        yield f"  {one['time']}: {one['what']}{words.say('by', channel=one['channel'])} ({one['content']}{coupon})"
        yield from (f"    {became['time']}: {became['what']}" for became in one["became"])
    yield from _none(told_of["sent"], say("nothing"))
    yield from ("", say("events"), "")
    for one in told_of["events"]:
        data = one["event"].get("data") if isinstance(one["event"], dict) else one["event"]
        yield f"  {one['time']}: {one['what']} {json.dumps(data, ensure_ascii=False)}"
    yield f"  {say('more_events', examples=len(told_of['learned_from']), unreadable=len(told_of['unreadable']))}"
    yield from ("", say("kept"), "")
    for one in told_of["kept"]:
        yield f"  {one['where']}: {one['what']}"
        yield f"    {say('until', until=one['until'])}; {say('at_erasure', erasure=one['erasure'])}"
    yield from ("", say("change"), "")
    yield from (f"  {line}" for line in told_of["can_change"])
    yield from ("", say("rights"), "", f"  {say('ask')}")


def _decision_lines(one: dict[str, Any], at: int) -> Iterator[str]:
    yield f"{one['time']}: {one['what']}" if one["time"] not in one["what"] else one["what"]
    if one["used"]:
        yield f"  {EXPORT['used'][at]}: {'; '.join(one['used'])}"
    for looked in one["looked_at"]:
        chance = looked["chance_percent"]
        drawn = f" ({EXPORT['chance'][at].format(percent=f'{chance:g}')})" if chance else ""
        against = " ".join(looked["against"]) or f"{EXPORT['not_held'][at]}{drawn}"
        yield f"  {EXPORT['looked_at'][at]}: {looked['what']}: {against}"
        for change in looked["would_have_changed"]:
            yield f"    {EXPORT['changed'][at]}: {change}"
    for change in one["would_have_changed"]:
        yield f"  {EXPORT['changed'][at]}: {change}"
    for became in one["became"]:
        yield f"  {became['time']}: {became['what']}"


def _value(label: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield f"  {label}: {value}"
    elif isinstance(value, dict):
        yield f"  {label}: " + "; ".join(f"{name}: {shown}" for name, shown in value.items())
    else:
        yield f"  {label}:"
        for part in value:
            yield "    " + "; ".join(f"{name}: {shown}" for name, shown in part.items())


def _none(told_of: Iterable[Any], nothing: str) -> Iterator[str]:
    if not told_of:
        yield f"  {nothing}"


def _at(words: Words) -> int:
    return 1 if words.say.language == "de" else 0
