"""A customer's story of decisions in words that they can be given: no chances, no codes, and what they can change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from models.customer.consent import EVERY, unpack_register
from models.customer.layout import UNSCORED
from models.customer.record import Record
from models.customer.tail import NOT_STATED, Tail
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.steps import beginning_of
from models.decisions.words import kind_told, told
from models.decisions.zones import zone_of
from streams.operations.why.phrases import Phrases, language_of

MOST_QUIET: Final = 12
"""Occasions on which nothing was sent that are told, the newest: they repeat themselves."""


class Words:
    """What is told to one customer.

    record: theirs; None: it has left the store. policy: in force now. at: log time, ms. language: to tell it in
    (`phrases.LANGUAGES`); None: the customer's own, else English.
    """

    def __init__(
        self, record: Record | None, policy: PolicyInForce | None, at: int, language: str | None = None
    ) -> None:
        self.at = at
        self.tail, self.flags = (record.tail, record.flags) if record is not None else (Tail(), 0)
        self.say = Phrases(language or language_of(self.tail.language))
        self.policy = policy
        self.zone: tzinfo = zone_of(self.tail.time_zone) or UTC

    def lines(self, now: dict[str, Any] | None, entries: list[dict[str, Any]], since: str) -> Iterator[str]:
        """now: `standing_view`; None: there is none. entries: of `past`. since: from when on they are."""
        if now is not None:
            yield self.say("planned")
            yield from self._now(now)
            yield ""
        sent = [one for one in entries if one["trigger"]]
        yield self.say("sent", since=self.time(since))
        yield from (line for one in sent for line in self._sent(one)) if sent else (f"  {self.say('nothing')}",)
        quiet = list(dict.fromkeys(line for one in entries if not one["trigger"] for line in self._not_sent(one)))
        if quiet:
            yield ""
            yield self.say("not_sent")
            yield from quiet[-MOST_QUIET:]
        yield ""
        yield self.say("can_change")
        yield from self.can_change()
        yield ""
        yield self.say("zone", zone=self.zone)

    def _now(self, now: dict[str, Any]) -> Iterator[str]:
        planned = False
        if now["control_group"]:
            planned = True
            yield f"  {self.say('control')}"
        for wait in now["waits"]:
            planned = True
            again = self.say("on", time=self.time(wait["until"])) if wait["until"] else ""
            why = self._told(wait["gate"]) if wait["gate"] else self.say("about_to")
            until = again or self.say("when_something_changes")
            yield f"  {self.say('waits', occasion=self.occasion(wait), why=why, until=until)}"
        if any(one["trigger"] is None for one in now["shared"]):
            planned = True
            yield f"  {self.say('for_both')}"
        for out in now["out"]:
            planned = True
            what = kind_told(out["kind"] or "", self.say.language) or self.say("something")
            usable = self.say("can_use", time=self.time(out["usable_until"])) if out["usable_until"] else ""
            since, by = self.time(out["since"]), self.by(out["channel"])
            yield f"  {self.say('have', what=what, by=by, time=since, usable=usable)}"
        if now["marketing_rests_until"] or now["after_bad_experience_until"]:
            planned = True
            code = "after_outcomes" if now["marketing_rests_until"] else "bad_experience"
            until = max(filter(None, (now["marketing_rests_until"], now["after_bad_experience_until"])))
            yield f"  {self.say('rests', why=self._told(code), time=self.time(until))}"
        if not planned:
            yield f"  {self.say('nothing_planned')}"

    def _sent(self, entry: dict[str, Any]) -> Iterator[str]:
        trigger = entry["trigger"]
        what = kind_told(trigger["kind"] or trigger["action"], self.say.language) or self.say("message")
        by, because = self.by(trigger["channel"]), self._because(entry)
        yield f"  {self.say('was_sent', time=self.time(entry['time']), what=what, by=by, because=because)}"
        if trigger["usable_until"]:
            yield f"    {self.say('could_use', time=self.time(trigger['usable_until']))}"
        for one in entry["became"]:
            because = f" {self._told(one['reason'])}" if one["reason"] and self._told(one["reason"]) else ""
            yield f"    {self.time(one['time'])}: {self._told(one['what'])}{because}"

    def _not_sent(self, entry: dict[str, Any]) -> Iterator[str]:
        if entry["what"] not in ("decided", "waits", "void") or not entry["moment"]:
            return
        yield f"  {self.quiet(entry)}"

    def quiet(self, entry: dict[str, Any]) -> str:
        """An occasion on which nothing was sent, and why."""
        if entry["what"] == "void":
            why = self.say("no_longer")
        elif entry["control_group"]:
            why = self.say("control")
        elif entry["gate"]:
            why = self._told(entry["gate"])
        else:
            why = self.say("in_peace")
        begins = self.say("we_waited" if entry["what"] == "waits" else "we_sent_nothing")
        occasion = self.occasion(entry)
        return self.say("quiet", time=self.time(entry["time"]), occasion=occasion, begins=begins, why=why)

    def _because(self, entry: dict[str, Any]) -> str:
        occasion = self.occasion(entry)
        return occasion if occasion == self.say("turn_away") else self.say("occasion", occasion=occasion)

    def occasion(self, entry: dict[str, Any]) -> str:
        """What asked. A touchpoint's moment is told by the types of what you did or met."""
        moment = entry["moment"]
        rules = None
        if self.policy is not None:
            asked = beginning_of(self.policy.policy, moment or "")
            rules = self.policy.policy.moment.get(asked)
        if entry["level"] or moment is None or (rules is not None and rules.sort == "risk"):
            return self.say("turn_away")
        named = rules.touchpoints if rules is not None else (moment,)
        return self.say("or").join(map(self.say.occasion, named))

    def can_change(self) -> Iterator[str]:
        """What the customer may tell us otherwise, as it is now."""
        tail, say = self.tail, self.say
        chosen = say("now", what=", ".join(map(say.channel, tail.channels))) if tail.channels else say("no_channels")
        yield f"  {say('channels', chosen=chosen)}"
        hours = say("not_from", start=tail.quiet[0], end=tail.quiet[1]) if tail.quiet else say("no_hours")
        yield f"  {say('hours', chosen=hours)}"
        yield f"  {say('how_much', wished=self._how_much())}"
        chosen = say("now", what=", ".join(tail.topics)) if tail.topics else say("all_topics")
        yield f"  {say('topics', chosen=chosen)}"
        yield f"  {say('take_back')}"
        for (purpose, channel), said in sorted(unpack_register(tail.consents).items()):
            name, on = "agreed" if said.granted else "refused", "" if channel == EVERY else self.by(channel)
            yield f"    {say(name, to=say(purpose), on=on, time=self.at_ms(said.time))}"
        yield f"  {say('not_estimated' if self.flags & UNSCORED else 'estimated')}"

    def _how_much(self) -> str:
        most, silent, say = self.tail.max_per_week, self.tail.silent_until, self.say
        wished = say("none") if most == 0 else say("no_limit") if most == NOT_STATED else say("a_week", most=most)
        return wished + (say("none_before", time=self.at_ms(silent)) if silent > self.at else "")

    def _told(self, code: str) -> str:
        return told(code, True, self.say.language)

    def action(self, name: str) -> str:
        """What an action is to the customer: its kind."""
        actions = self.policy.policy.action if self.policy is not None else {}
        kind = actions[name].kind if name in actions else name
        return kind_told(kind, self.say.language) or self.say("something")

    def by(self, channel: str | None) -> str:
        """The end of a sentence: by which channel."""
        return self.say("by", channel=self.say.channel(channel)) if channel else ""

    def time(self, stated: str) -> str:
        """An ISO time by the clocks of the customer's zone."""
        return self._shown(datetime.fromisoformat(stated))

    def at_ms(self, ms: int) -> str:
        """The same of one in ms."""
        return self._shown(datetime.fromtimestamp(ms / 1000, UTC))

    def _shown(self, time: datetime) -> str:
        return f"{time.astimezone(self.zone):%Y-%m-%d %H:%M}"
