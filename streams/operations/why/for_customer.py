"""A customer's story of decisions in words that they can be given: no chances, no codes, and what they can change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from models.customer.consent import EVERY, MARKETING, unpack_register
from models.customer.layout import UNSCORED
from models.customer.record import Record
from models.customer.tail import NOT_STATED, Tail
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.steps import beginning_of
from models.decisions.words import KIND_WORDS, told
from models.decisions.zones import zone_of
from streams.text import as_words

CONTROL: Final = (
    "You are one of a small group, chosen by chance, whom we send no advertising: so we see what our messages do for "
    "others."
)
RISK: Final = "it looked as if you might turn away from us"
MOST_QUIET: Final = 12
"""Occasions on which nothing was sent that are told, the newest: they repeat themselves."""


class Words:
    """What is told to one customer.

    record: theirs; None: it has left the store. policy: in force now. at: log time, ms.
    """

    def __init__(self, record: Record | None, policy: PolicyInForce | None, at: int) -> None:
        self.at = at
        self.tail, self.flags = (record.tail, record.flags) if record is not None else (Tail(), 0)
        self.policy = policy
        self.zone: tzinfo = zone_of(self.tail.time_zone) or UTC

    def lines(self, now: dict[str, Any] | None, entries: list[dict[str, Any]], since: str) -> Iterator[str]:
        """now: `standing_view`; None: there is none. entries: of `past`. since: from when on they are."""
        if now is not None:
            yield "What is planned"
            yield from self._now(now)
            yield ""
        sent = [one for one in entries if one["trigger"]]
        yield f"What we sent you since {self._time(since)}, and why"
        yield from (line for one in sent for line in self._sent(one)) if sent else ("  Nothing.",)
        quiet = list(dict.fromkeys(line for one in entries if not one["trigger"] for line in self._not_sent(one)))
        if quiet:
            yield ""
            yield "When we sent you nothing, and why"
            yield from quiet[-MOST_QUIET:]
        yield ""
        yield "What you can change"
        yield from self._can_change()
        yield ""
        yield f"Times are those of {self.zone}."

    def _now(self, now: dict[str, Any]) -> Iterator[str]:
        planned = False
        if now["control_group"]:
            planned = True
            yield f"  {CONTROL}"
        for wait in now["waits"]:
            planned = True
            until = f"on {self._time(wait['until'])}" if wait["until"] else "as soon as something changes"
            why = told(wait["gate"], True) if wait["gate"] else "We are about to think about it."
            yield f"  On one occasion ({self._occasion(wait)}) we wait: {why} We look at it again {until}."
        for out in now["out"]:
            planned = True
            what = KIND_WORDS.get(out["kind"] or "", "something")
            by = f" by {_channel(out['channel'])}" if out["channel"] else ""
            usable = f" You can use it until {self._time(out['usable_until'])}." if out["usable_until"] else ""
            yield f"  You have {what}{by}, of {self._time(out['since'])}.{usable}"
        if now["marketing_rests_until"] or now["after_bad_experience_until"]:
            planned = True
            code = "after_outcomes" if now["marketing_rests_until"] else "bad_experience"
            until = max(filter(None, (now["marketing_rests_until"], now["after_bad_experience_until"])))
            yield f"  {told(code, True)} You get no advertising until {self._time(until)}."
        if not planned:
            yield "  Nothing at present."

    def _sent(self, entry: dict[str, Any]) -> Iterator[str]:
        trigger = entry["trigger"]
        what = KIND_WORDS.get(trigger["kind"] or trigger["action"], "a message")
        yield (
            f"  {self._time(entry['time'])}: {what}, by {_channel(trigger['channel'])}, because {self._because(entry)}."
        )
        if trigger["usable_until"]:
            yield f"    You could use it until {self._time(trigger['usable_until'])}."
        for one in entry["became"]:
            because = f" {told(one['reason'], True)}" if one["reason"] and told(one["reason"], True) else ""
            yield f"    {self._time(one['time'])}: {told(one['what'], True)}{because}"

    def _not_sent(self, entry: dict[str, Any]) -> Iterator[str]:
        if entry["what"] not in ("decided", "waits", "void") or not entry["moment"]:
            return
        if entry["what"] == "void":
            why = "It no longer looked so."
        elif entry["control_group"]:
            why = CONTROL
        elif entry["gate"]:
            why = told(entry["gate"], True)
        else:
            why = "We chose to leave you in peace."
        begins = "We waited" if entry["what"] == "waits" else "We sent nothing"
        yield f"  {self._time(entry['time'])} ({self._occasion(entry)}): {begins}. {why}"

    def _because(self, entry: dict[str, Any]) -> str:
        occasion = self._occasion(entry)
        return occasion if occasion == RISK else f"of this occasion: {occasion}"

    def _occasion(self, entry: dict[str, Any]) -> str:
        """What asked. A touchpoint's moment is told by the types of what you did or met."""
        moment = entry["moment"]
        rules = None
        if self.policy is not None:
            asked = beginning_of(self.policy.policy, moment or "")
            rules = self.policy.policy.moment.get(asked)
        if entry["level"] or moment is None or (rules is not None and rules.sort == "risk"):
            return RISK
        named = rules.touchpoints if rules is not None else (moment,)
        return " or ".join(map(as_words, named))

    def _can_change(self) -> Iterator[str]:
        tail = self.tail
        chosen = f"now {', '.join(map(_channel, tail.channels))}" if tail.channels else "you have chosen none so far"
        yield f"  On which channels we reach you: {chosen}."
        hours = f"now not from {tail.quiet[0]} to {tail.quiet[1]}" if tail.quiet else "you have named none so far"
        yield f"  At which hours we do not write: {hours}."
        yield f"  How much advertising you get: {self._how_much()}."
        chosen = f"now {', '.join(tail.topics)}" if tail.topics else "now all of them"
        yield f"  About which topics: {chosen}."
        yield "  What you agreed to: you may take it back at any time, for one channel or for all."
        for (purpose, channel), said in sorted(unpack_register(tail.consents).items()):
            to = "advertising" if purpose == MARKETING else as_words(purpose)
            on = "" if channel == EVERY else f" by {_channel(channel)}"
            yield f"    You {'agreed to' if said.granted else 'refused'} {to}{on} on {self._at(said.time)}."
        yield (
            "  Whether we estimate from what you do if you may turn away from us: "
            + ("we do not." if self.flags & UNSCORED else "we do; you may object.")
        )

    def _how_much(self) -> str:
        most, silent = self.tail.max_per_week, self.tail.silent_until
        wished = "none" if most == 0 else "no limit of yours so far" if most == NOT_STATED else f"at most {most} a week"
        return wished + (f", and none before {self._at(silent)}" if silent > self.at else "")

    def _time(self, stated: str) -> str:
        return self._told(datetime.fromisoformat(stated))

    def _at(self, ms: int) -> str:
        return self._told(datetime.fromtimestamp(ms / 1000, UTC))

    def _told(self, time: datetime) -> str:
        return f"{time.astimezone(self.zone):%Y-%m-%d %H:%M}"


def _channel(name: str) -> str:
    return as_words(name)
