"""What a customer asks for on their page, as touchpoints: from a form to what is published. Pure.

Whoever has nothing but a link may only switch off: what they say is made narrower by what is stored, never wider.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from xxhash import xxh3_128_hexdigest

from models.customer.tail import MAX_LIST, NOT_STATED, Tail
from models.settings import DAY
from models.touchpoints.limits import MAX_PER_WEEK, MAX_REASON

SOURCE: Final = "/retention/own-page"
NO_TOPIC: Final = "-"
"""Kept as the only topic of whoever wants none: an empty list means all."""
OFTEN: Final = (0, 1, 2, 3)
"""Most messages a week that are offered."""
SILENT_DAYS: Final = (30, 90, 180, 365)
PURPOSES: Final = ("profiling", "conversation")
"""Purposes, beside marketing, that can be switched."""
NOT_QUIET: Final = ("00:00", "00:00")
"""Equal ends: no quiet hours."""
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_DAY_MINUTES: Final = 1_440


class NotPossible(Exception):
    """A wish that can't be had like this. message: of the catalogue."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Options(NamedTuple):
    """What there is to choose from, by the policy in force. purposes: of `PURPOSES`. quiet: the house's quiet hours, in
    whose place a customer's own come; equal ends: it has none; None: the policy is not known."""

    channels: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    rewards: tuple[str, ...] = ()
    purposes: tuple[str, ...] = PURPOSES
    quiet: tuple[str, str] | None = None


class Wish(NamedTuple):
    """A touchpoint that says it, and how it is confirmed.

    kind: its type. data: its own. message: of the catalogue. fields: of the message.
    """

    kind: str
    data: dict[str, Any]
    message: str
    fields: dict[str, Any]


Form = Mapping[str, Sequence[str]]
"""Values by name, as a browser sends them."""


def event_id(customer: str, kind: str, once: str, form: Form) -> str:
    """The same for one form sent twice, so that a double click is one. once: drawn for each form. form: what was sent
    in it."""
    told = (customer, kind, once, repr(sorted((name, list(values)) for name, values in form.items())))
    return f"own-page-{xxh3_128_hexdigest(chr(0).join(told).encode())}"


def off(what: str, customer_tail: Tail, options: Options, form: Form, now: int) -> Wish:
    """What the link alone allows. now: ms. Raises NotPossible."""
    if what == "all":
        return _consent(False, "off_all")
    if what == "channel":
        return _consent(False, "off_channel", channel=_one_of(form, "channel", options.channels))
    if what == "purpose":
        return _purpose(_one_of(form, "purpose", PURPOSES), False)
    if what == "topics":
        return _topics(_kept(form, customer_tail, options), options)
    if what == "often":
        most = _number(form, "most", OFTEN)
        stated = customer_tail.max_per_week
        return _often(most if stated == NOT_STATED else min(most, stated))
    if what == "silence":
        return _silence(max(customer_tail.silent_until, now + _number(form, "days", SILENT_DAYS) * DAY))
    if what == "quiet":
        start, end = _hours(form)
        # Hours of one's own take the place of the house's, so they must hold those, too. Equal ends are no hours.
        before = customer_tail.quiet or options.quiet
        if before is None or start == end or not _within(before, (start, end)):
            raise NotPossible("only_more_quiet")
        return _quiet(start, end)
    raise NotPossible("unknown_wish")


def change(what: str, customer_tail: Tail, options: Options, form: Form, now: int) -> Wish:
    """What whoever is signed in may ask for, switching on too. Raises NotPossible."""
    if what == "channel_on":
        return _consent(True, "on_channel", channel=_one_of(form, "channel", options.channels))
    if what == "purpose_on":
        return _purpose(_one_of(form, "purpose", PURPOSES), True)
    if what == "first":
        first = _one_of(form, "channel", options.channels)
        rest = [one for one in customer_tail.channels if one != first]
        return Wish("preferences_updated", {"channels": [first, *rest][:MAX_LIST]}, "first_channel", {"channel": first})
    if what == "topics":
        return _topics([one for one in options.topics if one in form.get("topic", ())], options)
    if what == "often":
        return _often(_number(form, "most", (*OFTEN, MAX_PER_WEEK)))
    if what == "silence":
        days = _number(form, "days", (0, *SILENT_DAYS))
        return _silence(now + days * DAY) if days else _speak(now)
    if what == "quiet":
        return _quiet(*_hours(form))
    if what == "rewards":
        known = dict.fromkeys((*options.rewards, *customer_tail.rewards))
        chosen = [one for one in known if one in form.get("reward", ())][:MAX_LIST]
        return Wish("preferences_updated", {"rewards": chosen}, "rewards_kept", {})
    if what == "access":
        return Wish("access_requested", {}, "access_asked", {})
    if what == "contest":
        given = {"reason": _first(form, "reason")[:MAX_REASON], "trigger_id": _first(form, "trigger")}
        return Wish("decision_contested", {name: value for name, value in given.items() if value}, "contested", {})
    if what == "restrict":
        return Wish("restriction_requested", {}, "restricted", {})
    if what == "unrestrict":
        return Wish("restriction_requested", {"until": _moment(now)}, "unrestricted", {})
    return off(what, customer_tail, options, form, now)


def unsubscribed(channel: str) -> Wish:
    """What a link in a message ends on the channel that it was sent on; churn is estimated from such, too. Without a
    channel it ends all advertising."""
    if not channel:
        return _consent(False, "off_all")
    return Wish("message_unsubscribed", {"channel": channel}, "off_channel", {"channel": channel})


def silence_for_erasure(tail: Tail, due: int) -> Wish:
    """No advertising while an erasure waits."""
    return _silence(max(tail.silent_until, due))


def silence_as_before(before: int, now: int) -> Wish:
    """What there was before an erasure that was taken back. before: ms, 0: nothing."""
    return _silence(before) if before > now else _speak(now)


def erasure() -> Wish:
    return Wish("erase_requested", {}, "erased", {})


def _consent(granted: bool, message: str, *, channel: str = "") -> Wish:
    data: dict[str, Any] = {"marketing": granted, "source": "own page"}
    if channel:
        data["channels"] = [channel]
    if granted:
        data |= {"basis": "consent", "wording": "own page: on_channel"}
    return Wish("consent_changed", data, message, {"channel": channel})


def _purpose(purpose: str, granted: bool) -> Wish:
    data = {"marketing": granted, "purpose": purpose, "source": "own page"}
    return Wish("consent_changed", data, f"{'on' if granted else 'off'}_{purpose}", {})


def _kept(form: Form, tail: Tail, options: Options) -> list[str]:
    """The topics of before without those that are switched off."""
    gone = form.get("topic", ())
    if not any(one in options.topics for one in gone):
        raise NotPossible("nothing_chosen")
    return [one for one in tail.topics or options.topics if one not in gone]


def _topics(kept: list[str], options: Options) -> Wish:
    """All of them is no choice; more than the record holds can't be kept apart."""
    if set(options.topics) <= set(kept):
        kept = []
    elif not kept:
        kept = [NO_TOPIC]
    if len(kept) > MAX_LIST:
        raise NotPossible("too_many_topics")
    return Wish("preferences_updated", {"topics": kept}, "topics_kept", {})


def _often(most: int) -> Wish:
    message = "often_none" if most == 0 else "often_free" if most == MAX_PER_WEEK else "often_most"
    return Wish("preferences_updated", {"max_per_week": most}, message, {"most": most})


def _silence(until: int) -> Wish:
    return Wish("preferences_updated", {"silent_until": _moment(until)}, "silent_until", {"time": until})


def _speak(now: int) -> Wish:
    return Wish("preferences_updated", {"silent_until": _moment(now)}, "silent_no_more", {})


def _quiet(start: str, end: str) -> Wish:
    message = "quiet_none" if start == end else "quiet_hours"
    data = {"quiet_hours": {"start": start, "end": end}}
    return Wish("preferences_updated", data, message, {"start": start, "end": end})


def _hours(form: Form) -> tuple[str, str]:
    start, end = _first(form, "start"), _first(form, "end")
    if not (_TIME.fullmatch(start) and _TIME.fullmatch(end)):
        raise NotPossible("no_hours_given")
    return start, end


def _within(inner: Sequence[str], outer: Sequence[str]) -> bool:
    """Whether all minutes of one span of a day are in another; equal ends: no minute."""
    return set(_minutes(*inner)) <= set(_minutes(*outer))


def _minutes(start: str, end: str) -> list[int]:
    first, last = (int(one[:2]) * 60 + int(one[3:]) for one in (start, end))
    return [minute % _DAY_MINUTES for minute in range(first, last if last >= first else last + _DAY_MINUTES)]


def _one_of(form: Form, name: str, known: Sequence[str]) -> str:
    if (value := _first(form, name)) not in known:
        raise NotPossible("nothing_chosen")
    return value


def _number(form: Form, name: str, known: Sequence[int]) -> int:
    value = _first(form, name)
    if not value.isascii() or not value.isdigit() or int(value[:4]) not in known:
        raise NotPossible("nothing_chosen")
    return int(value[:4])


def _first(form: Form, name: str) -> str:
    return next(iter(form.get(name, ())), "").strip()


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).isoformat().replace("+00:00", "Z")
