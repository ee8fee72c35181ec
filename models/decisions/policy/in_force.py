"""A policy that decides: its name, and what the engine asks of it, worked out once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Final, get_args

from models.decisions.policy.asking_types import Level
from models.decisions.policy.parts import FORMAT
from models.decisions.policy.reading import NOT_TOML, PolicyOfAnotherRelease, PolicyUnfit, read_policy
from models.decisions.policy.steps import steps_of
from models.decisions.policy.structure import Problem
from models.decisions.policy.types import Policy
from models.decisions.standing import channel_number, number_of
from models.loyalty.loop import LEVEL_STAGES
from models.touchpoints.fields import CustomerClass
from models.touchpoints.kinds import Kind
from models.touchpoints.types.reserved import PolicyChosenData

LevelsAndExit = tuple[tuple[Level, ...], float]
_NOT_STATED: Final = get_args(CustomerClass)[0]
"""Who states no class is of this one."""
MOST_TOLD: Final = 5
"""Problems of a record that its dead letter tells."""
MOST_READ: Final = 16
"""Policies that a process keeps: those of its shards are the same one but for a moment."""


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """The policy of a number and a text; two of one name are equal.

    Attributes:
        number, sha256: its name in the log; of two the higher stands (`models.timeline.chosen_policy`).
        name: what outputs call it.
        text: the file.
        policy: what it says.
        asking: by the number of a `Kind`, the touchpoint moments that it asks.
        risk_moment: what a level of risk asks; None: levels ask nothing.
        named: by `number_of`, the moment, action, plan or step.
        channel_named: by `channel_number`, the channel.
    """

    number: int
    sha256: str
    name: str = field(repr=False, compare=False)
    text: str = field(repr=False, compare=False)
    policy: Policy = field(repr=False, compare=False)
    asking: Mapping[int, tuple[str, ...]] = field(repr=False, compare=False)
    risk_moment: str | None = field(repr=False, compare=False)
    named: Mapping[int, str] = field(repr=False, compare=False)
    channel_named: Mapping[int, str] = field(repr=False, compare=False)
    _ladders: Mapping[tuple[str, int, int], LevelsAndExit] = field(repr=False, compare=False)
    _actions: Mapping[str, tuple[str, ...]] = field(repr=False, compare=False)

    @classmethod
    def of(cls, number: int, text: str) -> PolicyInForce:
        """Raises PolicyUnfit, PolicyOfAnotherRelease (`models.decisions.policy.reading`)."""
        return _read(number, text)

    def levels(self, customer_class: str | None, tier: int = 0, stage: int = 0) -> tuple[Level, ...]:
        """The levels of risk of a class of customers, lowest first. None: the class is not known. tier: of value, as
        records have it; 0: they are in none. stage: of the loyalty loop (`models.loyalty.loop.level_stage_in`)."""
        return self._ladder(customer_class, tier, stage)[0]

    def exit(self, customer_class: str | None, tier: int = 0, stage: int = 0) -> float:
        """The risk below which an episode of theirs is over."""
        return self._ladder(customer_class, tier, stage)[1]

    @property
    def by_tier(self) -> bool:
        """Whether levels of risk go by the tier of value, too."""
        return bool(self.policy.risk.for_tiers)

    @property
    def by_stage(self) -> bool:
        """Whether they go by the stage of the loyalty loop, too."""
        return bool(self.policy.risk.for_stages)

    @property
    def shares(self) -> tuple[float, ...]:
        """Of the tiers of value, from the top, all but the lowest; none: values are not kept."""
        return () if self.policy.value is None else tuple(tier.share for tier in self.policy.value.tiers)

    def tier_named(self, tier: int) -> str | None:
        """By the number that records have (`models.customer.worth`); None: the customer is in none."""
        rules = self.policy.value
        if rules is None or not 0 < tier <= len(rules.tiers) + 1:
            return None
        return rules.rest if tier > len(rules.tiers) else rules.tiers[tier - 1].name

    def actions_of(self, moment: str) -> tuple[str, ...]:
        """The actions that a moment may have: the highest priority first, then by name."""
        return self._actions[moment]

    def _ladder(self, customer_class: str | None, tier: int, stage: int) -> LevelsAndExit:
        name, ladders = customer_class or _NOT_STATED, self._ladders
        found = ladders.get((name, 0, stage)) if stage else None
        found = found or ladders.get((name, tier, 0)) or ladders.get((name, 0, 0))
        return found if found is not None else (self.policy.risk.levels, self.policy.risk.exit)


def policy_in(data: PolicyChosenData) -> tuple[PolicyInForce | None, str]:
    """The policy of a record, or why it holds none.

    Raises PolicyOfAnotherRelease: it may hold one for another release, so that nobody here knows what is in force.
    """
    if data.format > FORMAT:
        newer = Problem("data.format", str(data.format), f"this release reads {FORMAT}: a newer one may read it")
        raise PolicyOfAnotherRelease((newer,))
    if data.sha256 != (found := sha256_of(data.text)):
        return None, f"sha256 is {data.sha256}; give that of the text, {found}"
    try:
        return PolicyInForce.of(data.number, data.text), ""
    except PolicyOfAnotherRelease:
        raise
    except PolicyUnfit as error:
        # A dead letter has the same bytes under every Python.
        told = [f"text is {NOT_TOML}" if one.value == NOT_TOML else one.words for one in error.problems[:MOST_TOLD]]
        more = len(error.problems) - len(told)
        return None, "; ".join(told) + (f"; and {more} more" if more else "")


def sha256_of(text: str) -> str:
    """Of a policy's text, in hexadecimal digits."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(MOST_READ)
def _read(number: int, text: str) -> PolicyInForce:
    policy = read_policy(text)
    steps = {step.name: step.action for step in steps_of(policy)}
    names = [*policy.moment, *policy.action, *policy.plan, *steps]
    by_rank = sorted(policy.action, key=lambda name: (-policy.action[name].priority, name))
    digest = sha256_of(text)
    return PolicyInForce(
        number,
        digest,
        f"{number}-{digest[:8]}",
        text,
        policy,
        _asking(policy),
        next((name for name, moment in policy.moment.items() if moment.sort == "risk"), None),
        {number_of(name): name for name in names},
        {channel_number(name): name for name in policy.channel},
        _ladders(policy),
        {moment: tuple(name for name in by_rank if moment in policy.action[name].moments) for moment in policy.moment}
        | {step: (action,) for step, action in steps.items()},
    )


def _ladders(policy: Policy) -> dict[tuple[str, int, int], LevelsAndExit]:
    """Levels and exit where they are not those of all, by class, number of the tier and of the stage; 0: of whatever
    tier, of whatever stage."""
    risk, value = policy.risk, policy.value
    found: dict[tuple[str, int, int], LevelsAndExit] = {
        (name, 0, 0): (row.levels, risk.exit if row.exit is None else row.exit)
        for row in risk.for_classes
        for name in row.classes
    }
    names = [] if value is None else [*(tier.name for tier in value.tiers), value.rest]
    for of_tiers in risk.for_tiers:
        leave = risk.exit if of_tiers.exit is None else of_tiers.exit
        for name in of_tiers.classes or get_args(CustomerClass):
            found |= {(name, names.index(tier) + 1, 0): (of_tiers.levels, leave) for tier in of_tiers.tiers}
    for of_stages in risk.for_stages:
        leave = risk.exit if of_stages.exit is None else of_stages.exit
        for name in of_stages.classes or get_args(CustomerClass):
            found |= {(name, 0, LEVEL_STAGES.index(one) + 1): (of_stages.levels, leave) for one in of_stages.stages}
    return found


def _asking(policy: Policy) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    for name, moment in policy.moment.items():
        for touchpoint in moment.touchpoints:
            kind = int(Kind[touchpoint.upper()])
            found[kind] = (*found.get(kind, ()), name)
    return found
