"""Small streams for the auditor, made by hand: what came, what was decided, what was triggered, in the log's order."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from itertools import count
from typing import Any

import msgspec

from models.outputs import Candidate, Decision, Position, Trigger, Withdrawal, encode, output_id
from models.settings import HOUR
from models.touchpoints import event
from streams.operations.audit import Arrival, Line, Report, audit
from streams.operations.audit.ledger import taken_by
from streams.operations.audit.policies import Policy, span

POLICY = """
format = 1
zone = "Europe/Berlin"
[risk]
exit = 0.40
levels = [{ name = "slipping", at = 0.50 }, { name = "at_risk", at = 0.65 }, { name = "leaving", at = 0.80 }]
[channel.email]
[channel.push]
[channel.call]
rest = "60d"
[moment.risk]
sort = "risk"
[moment.harm]
sort = "touchpoint"
touchpoints = ["complaint", "case_opened"]
when = { field = "severity", op = "!=", value = "low" }
within = "2d"
once_per = "2d"
[moment.payment]
sort = "touchpoint"
touchpoints = ["payment_failed"]
within = "7d"
[moment.cart]
sort = "touchpoint"
touchpoints = ["cart_abandoned"]
within = "1d"
[action.sorry]
purpose = "care"
kind = "care"
moments = ["harm"]
channels = ["email", "call"]
content = "care/sorry"
expires = "1d"
[action.update]
purpose = "contract"
kind = "service"
moments = ["payment"]
content = "contract/payment"
[action.reminder]
kind = "useful"
moments = ["cart"]
channels = ["email", "push", "call"]
content = "useful/cart"
expires = "6h"
[action.useful]
kind = "useful"
moments = ["risk"]
channels = ["email", "push"]
content = "useful/picks"
expires = "6h"
languages = ["en", "de"]
topic = "espresso"
[action.offer]
kind = "offer"
moments = ["risk", "cart"]
levels = ["at_risk", "leaving"]
classes = ["consumer"]
when = { field = "purchase_days", op = ">=", value = 1 }
content = "offer/ten"
expires = "6h"
promotion = true
valid = "14d"
once_per = "20d"
priority = 6
parameters = { discount_percent = 10 }
notices = ["terms"]
[action.old]
mode = "off"
kind = "useful"
moments = ["cart"]
content = "useful/old"
expires = "6h"
[contact]
cool_down = "20h"
quiet_hours = { start = "21:00", end = "08:00" }
caps = [
    { most = 2, within = "7d" },
    { most = 1, within = "30d", channel = "call" },
    { most = 1, within = "30d", channel = "push", countries = ["NL"] },
    { most = 1, within = "7d", purpose = "care" },
]
rest = { declined = "14d", spam = "90d", soft_failure = "1d", bad_experience = "7d" }
hours = [
    { channels = ["call"], days = [1, 2, 3, 4, 5], spans = [{ start = "09:00", end = "18:00" }] },
    { channels = ["push"], countries = ["AT"], most = 1, within = "10d", rest = "40d" },
]
[[basis]]
purpose = "marketing"
channels = ["email"]
needs = "existing_customer"
lasts = "104w"
[control]
share = 0.0
[choice]
floor = 0.01
hold_out = 0.05
window = "28d"
"""
MONDAY = "2026-03-02T09:00:00+00:00"
"""Ten in the morning in Berlin, on a Monday."""


@dataclass
class Log:
    """One partition. A step at a place stands at the record that came last, and has its time."""

    policy: str = POLICY
    time: int = 0
    touchpoints: list[Arrival] = field(default_factory=list)
    triggers: list[Trigger | Withdrawal] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    named: str = ""
    partition: int = 0

    @classmethod
    def begun(cls, policy: str = POLICY, consent: bool = True, partition: int = 0) -> Log:
        """A policy is in force, anna has bought on a Monday morning, and agreed to e-mail and push."""
        log = cls(policy, partition=partition)
        log.at(MONDAY)
        log.chooses(policy)
        log.touch("purchase", amount=20)
        if consent:
            log.touch("consent_changed", marketing=True, channels=["email", "push"])
        log.after("1h")
        return log

    def at(self, moment: str) -> None:
        """Time goes on to a moment."""
        self.time = max(self.time, int(datetime.fromisoformat(moment).timestamp() * 1000))

    def after(self, duration: str) -> None:
        """Time goes on."""
        self.time += span(duration)

    @property
    def position(self) -> Position:
        return Position(self.partition, max(len(self.touchpoints) - 1, 0), False)

    def append(self, value: bytes, key: str | None) -> None:
        self.touchpoints.append(Arrival(len(self.touchpoints), self.time, (key and key.encode()) or None, value))

    def chooses(self, text: str, number: int = 1, taken: bool = True, at: int = 0) -> None:
        """A policy record, and that it came into force; with `at` (log time, ms) that it waits."""
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        data = {"number": number, "format": 1, "sha256": sha256, "text": text, **({"at": at} if at else {})}
        record = {"specversion": "1.0", "type": "policy_chosen", "id": f"p-{number}", "source": "cli", "data": data}
        self.append(json.dumps({**record, "time": MONDAY}).encode(), None)
        if at:
            self.says("policy_waiting", customer="", policy=f"{number}-{sha256[:8]}")
        elif taken:
            self.policy, self.named = text, f"{number}-{sha256[:8]}"
            self.says("policy_in_force", customer="", policy=self.named)

    def stops(self, number: int, **selectors: Any) -> None:
        """An operator stops something."""
        record = {"specversion": "1.0", "type": "stopped", "id": f"s-{number}", "source": "cli", "time": MONDAY}
        self.append(json.dumps({**record, "data": {"number": number, **selectors}}).encode(), None)

    def resumes(self, *numbers: int) -> None:
        """Stops are at an end."""
        record = {"specversion": "1.0", "type": "resumed", "id": f"r-{numbers}", "source": "cli", "time": MONDAY}
        self.append(json.dumps({**record, "data": {"stops": numbers}}).encode(), None)

    def touch(self, kind: str, customer: str = "anna", ago: str = "0s", **data: Any) -> None:
        """A touchpoint comes, of `ago` before now."""
        name = f"t-{len(self.touchpoints)}"
        at = self.time - span(ago)
        self.append(event(kind, id=name, source="shop", subject=customer, time_ms=at, data=data), customer)

    def clock(self) -> None:
        """Time passes for the log as well."""
        self.append(event("clock", id=f"c-{self.time}", source="clock", subject=None, time_ms=self.time, data={}), None)

    def says(self, what: str, customer: str = "anna", **fields: Any) -> Decision:
        """A decision of a kind, at this place."""
        name = fields.pop("id", None) or output_id(what, self.partition, customer, self.time, len(self.decisions))
        decision = Decision(name, what, self.time, self.position, customer, **fields)
        self.decisions.append(decision)
        return decision

    def send(self, action: str, moment: str, channel: str = "email", level: str = "", **changed: Any) -> str:
        """Decide on an action and trigger it, as the policy has it; its id. changed: fields of the trigger that differ,
        or of the decision (`decision=`)."""
        table = tomllib.loads(self.policy)["action"].get(action, {"kind": "useful", "content": "x"})
        drawn = tomllib.loads(self.policy)["moment"].get(moment, {}).get("sort") == "risk"
        chance = 2**32 - 2**32 // 10
        candidates = (Candidate("leave_alone", chance=2**32 - chance), Candidate(action, channel, chance=chance))
        at = self.partition, self.time, len(self.triggers)
        names = (output_id("trigger", action, *at, nonce) for nonce in count())
        name = next(one for one in names if int.from_bytes(blake2b(bytes.fromhex(one)).digest()[:4]) >= 2**32 - chance)
        told: dict[str, Any] = {
            "action": action,
            "channel": channel,
            "moment": moment,
            "level": level,
            "policy": self.named,
            "id": name,
            "trigger": name,
            "candidates": candidates if drawn else (Candidate(action, channel),),
        }
        told |= changed.pop("decision", {})
        decision = self.says(told.pop("what", "decided"), **told)
        expires = self.time + span(table.get("expires", "3d"))
        trigger = Trigger(
            name,
            "anna",
            action,
            channel,
            0.0,
            [],
            0,
            0,
            self.time,
            expires,
            0,
            self.position,
            moment=moment,
            level=level,
            purpose=table.get("purpose", "marketing"),
            kind=table["kind"],
            priority=table.get("priority", 5),
            decision=decision.id,
            content=table["content"],
            parameters=table.get("parameters", {}),
            notices=tuple(table.get("notices", ())),
            coupon=name[:8] if table.get("promotion") else "",
            valid_until=self.time + span(table["valid"]) if "valid" in table else 0,
            propensity=chance / 2**32 if drawn else 0.0,
            policy=self.named,
            reserved=taken_by(Policy(0, "", self.policy), table),
        )
        self.triggers.append(msgspec.structs.replace(trigger, **changed))
        return self.triggers[-1].id

    def sends_again(self, former: str, **changed: Any) -> str:
        """A trigger that was stopped is sent again, at this place; the id of the new one."""
        [old] = [one for one in self.triggers if isinstance(one, Trigger) and one.id == former]
        name = output_id("again", former, len(self.triggers))
        told = {"action": old.action, "channel": old.channel, "moment": old.moment, "level": old.level}
        told |= {name: value for name, value in changed.items() if name in told}
        self.says("resent", policy=self.named, trigger=name, **told)
        moved = {"id": name, "time": self.time, "at": self.position, "propensity": 0.0, "policy": self.named}
        expires = self.time + old.expires_at - old.time
        again = msgspec.structs.replace(old, **moved, expires_at=expires, coupon=name[:8] if old.coupon else "")
        self.triggers.append(msgspec.structs.replace(again, **changed))
        return name

    def withdraws(self, trigger: str, name: str = "", reason: str = "restricted") -> None:
        """Takes a trigger back, at this place."""
        name = name or output_id("withdrawal", trigger, len(self.triggers))
        self.triggers.append(Withdrawal(name, "anna", trigger, reason, self.time, self.position))

    @property
    def line(self) -> Line:
        said = (list(map(encode, outputs)) for outputs in (self.triggers, self.decisions))
        return Line(self.partition, self.touchpoints, *said)

    def report(self, since: int = 0, grace: int = 0) -> Report:
        """What the auditor finds."""
        return audit([self.line], HOUR, since, grace)

    def broken(self) -> dict[str, list[str]]:
        """Rules that are broken, each with the ids of what broke it."""
        found: dict[str, list[str]] = {}
        for breach in self.report().breaches:
            found.setdefault(breach.rule, []).append(breach.name)
        return found
