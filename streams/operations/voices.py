"""How customers speak of us where others hear it, over time, and whether care after a bad experience changes that.

From touchpoints, triggers and decisions alone. Whether a customer is *cared for* is what the policy decided, and may go
by what they are: only the control group of a policy with ``care = false`` tells what care does, and not who gets it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from models.decisions.experience import is_bad
from models.decisions.policy.in_force import PolicyInForce
from models.loyalty.experiences import Mood
from models.loyalty.loop import STAGES
from models.outputs import LOYALTY, Decision, Trigger
from models.proof.intervals import of_difference, of_share
from models.settings import DAY
from models.touchpoints import Rejected, read
from streams.operations.audit.records import Line, Unread
from streams.operations.lift.reading import keep_policy

SOON: Final = 14 * DAY
"""Care that was decided so long after a bad experience is about it."""
HEARD: Final = 90 * DAY
"""What is said so long after one may be about it."""
ALPHA: Final = 0.05
CARED, CONTROL, NOT_CARED = "cared_for", "control", "not_cared_for"
GROUPS: Final = (CARED, CONTROL, NOT_CARED)
_POLICY: Final = b"policy_chosen"


@dataclass(slots=True)
class Said:
    """How often customers spoke of us, by mood; a mood that is not known is in no share."""

    moods: Counter[str] = field(default_factory=Counter)

    @property
    def known(self) -> int:
        return self.moods.total() - self.moods[Mood.UNKNOWN]

    @property
    def bad(self) -> int:
        return self.moods[Mood.BAD]

    def data(self) -> dict[str, Any]:
        interval = of_share(self.known, self.bad, ALPHA)
        return {
            **{str(mood): self.moods[mood] for mood in Mood},
            "negative": round(self.bad / self.known, 4) if self.known else None,
            "interval": [round(interval.low, 4), round(interval.high, 4)],
        }


@dataclass(slots=True)
class Voices:
    """What was read. months, ways: of all that was said. groups: what was said after a bad experience, by whether its
    customer was cared for; experiences: how many there were. stages: customers, as was said last of them."""

    months: dict[str, Said] = field(default_factory=dict)
    ways: dict[str, Said] = field(default_factory=dict)
    groups: dict[str, Said] = field(default_factory=lambda: {group: Said() for group in GROUPS})
    experiences: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    unread: int = 0

    def data(self) -> dict[str, Any]:
        """JSON types."""
        cared, control = self.groups[CARED], self.groups[CONTROL]
        apart = of_difference((cared.known, cared.bad), (control.known, control.bad), ALPHA)
        return {
            "months": {month: said.data() for month, said in sorted(self.months.items())},
            "ways": {way: said.data() for way, said in sorted(self.ways.items())},
            "after_a_bad_experience": {
                group: {"experiences": self.experiences[group], **said.data()} for group, said in self.groups.items()
            },
            "cared_for_less_control": [round(apart.low, 4), round(apart.high, 4)] if control.known else None,
            "stages": {stage: self.stages[stage] for stage in STAGES},
            "moves": [
                {"from": former or None, "to": stage, "times": times}
                for (former, stage), times in sorted(self.moves.items())
            ],
            "unread": self.unread,
        }


def voices_in(lines: Iterable[Line]) -> Voices:
    """Read partitions, one after the other. A customer's are all in one."""
    found, policies = Voices(), dict[str, PolicyInForce]()
    for line in lines:
        _read(line, found, policies)
    return found


def _read(line: Line, found: Voices, policies: dict[str, PolicyInForce]) -> None:
    unread, stages, known = Unread(), dict[str, str](), set[str]()
    spoken: dict[str, list[tuple[int, str]]] = {}
    control: dict[str, list[tuple[int, str, str]]] = {}
    unsent: set[str] = set()
    for decision in unread.decisions(line.decisions):
        if decision.test:
            continue  # somebody tried things out
        if decision.what == LOYALTY:
            known.add(decision.customer)
            _takes(decision, found, stages, spoken)
        elif decision.what == "given_back":
            unsent.add(decision.trigger)
        elif decision.what in ("erased", "forgotten"):
            stages.pop(decision.customer, None)
        elif decision.what == "decided" and decision.control and decision.action:
            control.setdefault(decision.customer, []).append((decision.time, decision.policy, decision.action))
    found.stages.update(stages.values())
    cared: dict[str, list[int]] = {}
    for trigger in unread.triggers(line.triggers):
        if isinstance(trigger, Trigger) and trigger.purpose == "care" and trigger.id not in unsent:
            cared.setdefault(trigger.customer, []).append(trigger.time)
    suffered: dict[str, list[int]] = {}
    for arrival in line.touchpoints:
        if arrival.value and arrival.key is None and _POLICY in arrival.value:
            keep_policy(policies, arrival.value)
            continue
        touch = read(arrival.value, arrival.key, arrival.timestamp)
        if not isinstance(touch, Rejected) and touch.customer in known and is_bad(touch.kind, touch.data):
            suffered.setdefault(touch.customer, []).append(arrival.timestamp)
    withheld = {name: [time for time, *of in all_of if _is_care(policies, *of)] for name, all_of in control.items()}
    for customer, times in suffered.items():
        for time in _apart(times):
            group = _group(time, cared.get(customer, ()), withheld.get(customer, ()))
            found.experiences[group] += 1
            heard = (mood for at, mood in spoken.get(customer, ()) if time < at <= time + HEARD)
            found.groups[group].moods.update(heard)
    found.unread += unread.records


def _takes(decision: Decision, found: Voices, stages: dict[str, str], spoken: dict[str, list[tuple[int, str]]]) -> None:
    entry = decision.loyalty
    if entry is None:
        return
    stages[decision.customer] = entry.stage
    if entry.stage != entry.former:
        found.moves[entry.former, entry.stage] += 1
    if entry.voice:
        month = f"{datetime.fromtimestamp(decision.time / 1000, UTC):%Y-%m}"
        for said in (found.months.setdefault(month, Said()), found.ways.setdefault(entry.way, Said())):
            said.moods[entry.voice] += 1
        spoken.setdefault(decision.customer, []).append((decision.time, entry.voice))


def _apart(times: Iterable[int]) -> list[int]:
    """Of several bad experiences within the time in which one is heard of the first, so that a word counts once."""
    kept: list[int] = []
    for time in sorted(times):
        if not kept or time > kept[-1] + HEARD:
            kept.append(time)
    return kept


def _group(time: int, cared: Iterable[int], withheld: Iterable[int]) -> str:
    if any(time <= at <= time + SOON for at in cared):
        return CARED
    return CONTROL if any(time <= at <= time + SOON for at in withheld) else NOT_CARED


def _is_care(policies: dict[str, PolicyInForce], policy: str, action: str) -> bool:
    known = policies.get(policy)
    named = known.policy.action.get(action) if known is not None else None
    return named is not None and named.purpose == "care"
