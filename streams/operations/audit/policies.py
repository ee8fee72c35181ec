"""The policies of a partition, as plain tables of their TOML text, and which of them is in force."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from streams.operations.audit.records import Place

Table = Mapping[str, Any]
POLICY_CHOSEN: Final = b"policy_chosen"
_UNITS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
REST: Final = {"declined": "14d", "spam": "90d", "soft_failure": "1d", "bad_experience": "7d"}
"""What `contact.rest` leaves out."""
EXEMPT: Final[Table] = {"exempt": [], "exempt_plans": [], "exempt_programmes": [], "exempt_tiers": []}
"""The same of `control`, by what customers are exempt from it."""
DRAW: Final = {"floor": 0.01, "hold_out": 0.05, "window": "28d", "learned": False, "unproven_each": 1.0}
"""The same of `choice`."""
TIERS: Final = ("top", "high", "middle")
"""The same of `value.tiers`, by name."""


def span(duration: str) -> int:
    """A duration of the policy file in ms.

    >>> span("36h")
    129600000
    """
    return int(duration[:-1]) * _UNITS[duration[-1]]


def span_from(offset: str) -> int:
    """An offset from a date in ms.

    >>> span_from("-2d"), span_from("+1h")
    (-172800000, 3600000)
    """
    return span(offset.lstrip("+-")) * (-1 if offset.startswith("-") else 1)


class Policy:
    """A policy's text, read once more. name: as triggers carry it; the rest: tables of the file."""

    def __init__(self, number: int, sha256: str, text: str) -> None:
        table: dict[str, Any] = tomllib.loads(text)
        self.number, self.sha256, self.name = number, sha256, f"{number}-{sha256[:8]}"
        self.moments: Table = table.get("moment", {})
        self.actions: Table = table.get("action", {})
        self.channels: Table = table.get("channel", {})
        self.contact: Table = table.get("contact", {})
        self.basis: list[Table] = table.get("basis", [])
        self.ad_free: Table = table.get("ad_free", {})
        self.conversation: Table | None = table.get("conversation")
        self.freezes: list[Table] = table.get("freeze", [])
        self.control: Table = {"share": 0.05, "salt": "1", "care": True, **EXEMPT, **table.get("control", {})}
        self.choice: Table = {**DRAW, **table.get("choice", {})}
        self.budgets: Table = table.get("budget", {})
        self.zone: str = table.get("zone", "")
        self.markets: tuple[str, ...] = tuple(table.get("markets", []))
        self.holidays: Table = table.get("holidays", {})
        self.risk: Table = table.get("risk", {})
        self.plans: Table = table.get("plan", {})
        self.value: Table | None = table.get("value")
        self.points: Table | None = table.get("points")
        self.rewards: Table = table.get("reward", {})
        self.loyalty: Table | None = table.get("loyalty")
        self.membership: Table | None = table.get("membership")
        self.marking = {
            kind
            for plan in self.plans.values()
            for named in (plan.get("ends_with", []), *(step.get("unless", []) for step in plan["steps"]))
            for kind in named
        }
        self.contract: Table = table.get("contract", {})
        self.answering = {kind for moment in self.moments.values() for kind in moment.get("answered_by", [])}
        self.asking = {kind for moment in self.moments.values() for kind in moment.get("touchpoints", [])}

    def talk(self, kind: str) -> int:
        """For how long a touchpoint of a type means a conversation, ms; 0: it means none."""
        talk = self.conversation
        if talk is None or kind not in talk.get("touchpoints", ["chat", "call"]):
            return 0
        return span(talk.get("lasts", "2h"))

    def step(self, moment: str) -> tuple[Table | None, int]:
        """Of a moment that is a step of a plan the plan, and which step, from 1; of an action's second step no plan.
        Of any other moment 0."""
        name, dot, number = moment.partition(".")
        return self.plans.get(name), int(number) if dot and number.isdigit() else 0

    def caps(self) -> Iterator[Table]:
        """Rows of `contact.caps`, and in their form the `most` and `within` of rows of `contact.hours`."""
        yield from self.contact.get("caps", [])
        for row in self.contact.get("hours", []):
            if "most" in row:
                named = {key: row[key] for key in ("most", "within", "countries") if row.get(key) not in (None, [])}
                yield from ({**named, "channel": channel} for channel in row["channels"])

    def declines(self, channel: str, country: str = "") -> int:
        """How long marketing on a channel rests after an offer was declined there, ms; 0: no longer than on others.
        country: of the customer; empty, where it is not known: the longest."""
        rows = [row for row in self.contact.get("hours", []) if channel in row.get("channels", [])]
        lasts = [
            span(row["rest"])
            for row in (self.channels.get(channel, {}), *rows)
            if row.get("rest") and (not country or country in (row.get("countries") or [country]))
        ]
        return max(lasts, default=0)

    def rest(self, after: str) -> int:
        """How long marketing rests after something, ms."""
        return span({**REST, **self.contact.get("rest", {})}[after])

    def levels(self, customer_class: str, tier: str = "", stage: str = "") -> list[Table]:
        """The levels of a class of customers, and of a tier of value or a stage of the loyalty loop where they have
        some of their own."""
        return list(self._levels(customer_class, tier, stage).get("levels", []))

    def leaves(self, customer_class: str, tier: str = "", stage: str = "") -> float:
        """The risk below which an episode of theirs is over."""
        return float(self._levels(customer_class, tier, stage).get("exit", self.risk.get("exit", 0.0)))

    def leaves_at_the_least(self, customer_class: str) -> float:
        """The same of whatever tier and stage."""
        stages = {one for row in self.risk.get("for_stages", []) for one in row["stages"]}
        return min(self.leaves(customer_class, tier, stage) for tier in ["", *self.tiers] for stage in ["", *stages])

    @property
    def tiers(self) -> list[str]:
        """By name, the highest first."""
        if self.value is None:
            return []
        tiers = [str(tier["name"]) for tier in self.value["tiers"]] if "tiers" in self.value else list(TIERS)
        return [*tiers, str(self.value.get("rest", "base"))]

    def _levels(self, customer_class: str, tier: str, stage: str) -> Table:
        for row in self.risk.get("for_stages", []):
            if stage in row["stages"] and customer_class in (row.get("classes") or [customer_class]):
                return dict(row)
        for row in self.risk.get("for_tiers", []):
            if tier in row["tiers"] and customer_class in (row.get("classes") or [customer_class]):
                return dict(row)
        return next((row for row in self.risk.get("for_classes", []) if customer_class in row["classes"]), self.risk)

    def needs(self, purpose: str, country: str, customer_class: str, channel: str) -> tuple[str, int]:
        """What contact for a purpose rests on, by the first row that fits, and how long (ms, 0: for good)."""
        for row in self.basis:
            fits = (("countries", country), ("classes", customer_class), ("channels", channel))
            if row.get("purpose", "marketing") == purpose and all(one in (row.get(key) or [one]) for key, one in fits):
                return row["needs"], span(row["lasts"]) if row.get("lasts") else 0
        return ("consent" if purpose == "marketing" else "nothing"), 0


class InForce:
    """Which policy is in force in a partition: the highest (number, sha256) of those whose text is its own."""

    def __init__(self) -> None:
        self.policy: Policy | None = None
        self._waits: tuple[Place, Policy] | None = None
        self._at = 0
        self._later: tuple[int, Policy] | None = None
        self.names: list[str] = []
        self.notes: list[str] = []

    def arrives(self, place: Place, value: bytes) -> None:
        """A record of the log that names a policy. It counts once a decision at its place says so: a shard refuses a
        text that is no policy, which is not for the auditor to judge."""
        self.settle()
        try:
            data = json.loads(value)["data"]
            number, text, sha256 = int(data["number"]), str(data["text"]), str(data["sha256"])
            if hashlib.sha256(text.encode()).hexdigest() != sha256:
                return
            policy = Policy(number, sha256, text)
        except (ValueError, KeyError, TypeError):
            return
        newest = self._later[1] if self._later is not None else self.policy
        if newest is None or (number, sha256) > (newest.number, newest.sha256):
            self._waits, self._at = (place, policy), int(data.get("at") or 0)

    def confirmed(self, place: Place, name: str, time: int) -> bool:
        """A decision says that a policy came into force. False: there was none at its place that could, or its time had
        not come. time: log time of the decision, ms."""
        if self._waits is not None and self._waits[0][:2] == place[:2]:
            came = self._waits[1]
        elif self._later is not None and self._later[1].name == name and time >= self._later[0]:
            came = self._later[1]
        else:
            return False
        self.policy, self._waits, self._later = came, None, None
        self.names.append(came.name)
        return True

    def waits(self, place: Place) -> bool:
        """A decision says that a policy waits for its time. False: there was none at its place that could."""
        if self._waits is None or self._waits[0][:2] != place[:2] or not self._at:
            return False
        self._later, self._waits = (self._at, self._waits[1]), None
        return True

    def settle(self) -> None:
        """What was not confirmed by now was refused."""
        if self._waits is not None:
            place, policy = self._waits
            self.notes.append(f"policy {policy.name} at {place} was not taken; a dead letter says why")
            self._waits = None
