"""What compiled code reads of the settings and of the policy in force: times, signs, ladders of risk."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from models.churn.definition import LEAVING as LEAVING_KINDS
from models.churn.definition import SIGNS
from models.customer.layout import PENDING_EXAMPLES
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rules import rules_of as in_policy
from models.loyalty.loop import LEVEL_STAGES
from models.settings import EngineSettings
from models.touchpoints.fields import CustomerClass
from models.value.appraisal import MOST_TIERS

CLASSES: Final = get_args(CustomerClass)
TIERS: Final = MOST_TIERS + 1
"""By which a class has ladders of its own: none, and each from the top."""
LEVELS_OF: Final = len(CLASSES) * TIERS
"""So many ladders there are for each stage of the loyalty loop by which levels may go: none, and `LEVEL_STAGES`."""
UNDER_CONTRACT: Final = LEVELS_OF * (1 + len(LEVEL_STAGES))
"""Behind those of stages, classes and tiers, the ladder of whoever has a contract that runs: it has no levels, and
whatever the risk, an open episode is over."""
LADDERS: Final = UNDER_CONTRACT + 1
LEVELS: Final = 6
"""Most levels of risk that a policy has."""

RULES = np.dtype(
    [
        ("horizon", "<i8"),
        ("silence", "<i8"),
        ("lateness", "<i8"),
        ("duplicate_window", "<i8"),
        ("forget_after", "<i8"),
        ("tick", "<i8"),
        ("anchor", "<i8"),
        ("cadences", "<i8", PENDING_EXAMPLES),  # at every how many ticks an example of each kind begins
        ("enter", "<f8"),
        ("exit", "<f8"),
        ("quiet_until", "<i8"),  # nobody is triggered before: an episode asks at its first estimate from then on
        ("ladders", "<f8", (LADDERS, LEVELS)),  # thresholds of risk, ascending, inf where there are no more
        ("exits", "<f8", LADDERS),  # below which an episode is over
        ("signs", "u1", 256),  # by kind: SIGN of staying, or of leaving
        ("policy", "u1"),  # one is in force
        ("values", "u1"),  # it is kept what customers are worth
        ("by_tier", "u1"),  # levels go by the tier, too
        ("by_stage", "u1"),  # and by the stage of the loyalty loop
        ("stopped", "u1"),  # without a policy: an episode that asks may have to ask again
        # Of the loyalty loop (`models.loyalty.loop.LoopRules`), where the policy keeps one.
        ("half_life", "<i8"),
        ("lapses_after", "<i8"),
        ("won_back_for", "<i8"),
        ("advocate_for", "<i8"),
        ("advocate_from", "<i8"),
        ("active_from", "<i8"),
    ]
)

SIGN, LEAVING = 1, 2
"""What `rules.signs` says of a kind; 0: neither."""
_NO_RISK_IS_LEFT: Final = 2.0
"""Above any risk."""


def ladders_of(settings: EngineSettings, policy: PolicyInForce | None) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Thresholds by ladder, ascending, shape (LADDERS, LEVELS), and their exits, shape (LADDERS,): for each stage the
    `TIERS` of each of `CLASSES`, in order. Without a policy: the settings' own two."""
    ladders, exits = np.full((LADDERS, LEVELS), np.inf), np.full(LADDERS, settings.exit)
    ladders[:, 0] = settings.enter
    if policy is not None:
        ladders[UNDER_CONTRACT], exits[UNDER_CONTRACT] = np.inf, _NO_RISK_IS_LEFT
        for row, (stage, name, tier) in enumerate(product(range(1 + len(LEVEL_STAGES)), CLASSES, range(TIERS))):
            levels = [level.at for level in policy.levels(name, tier, stage)]
            ladders[row, : len(levels)], exits[row] = levels, policy.exit(name, tier, stage)
    return ladders, exits


@lru_cache(maxsize=64)
def rules_of(
    settings: EngineSettings,
    quiet_until: int = 0,
    policy: PolicyInForce | None = None,
    values: bool = False,
    stopped: bool = False,
) -> Any:
    """What compiled code reads of the settings and of the policy in force.

    quiet_until: nobody is triggered before (a backfill's cut-over). values: it is kept what customers are worth.
    stopped: operators have stopped something."""
    cadences = (settings.cadence(settings.horizon), settings.cadence(settings.tick))
    times = (settings.horizon, settings.silence, settings.lateness, settings.duplicate_window, settings.forget_after)
    signs = np.zeros(256, dtype=np.uint8)
    signs[list(SIGNS[settings.alive])] = SIGN
    signs[list(LEAVING_KINDS[settings.alive])] = LEAVING
    ladders = ladders_of(settings, policy)
    ends = (
        settings.enter,
        settings.exit,
        quiet_until,
        *ladders,
        signs,
        policy is not None,
        values,
        policy is not None and policy.by_tier,
        policy is not None and policy.by_stage,
        policy is None and stopped,
    )
    loyalty = None if policy is None else in_policy(policy).loyalty
    loop = [0] * 6
    if loyalty is not None:
        kept = loyalty.loop
        loop = [kept.half_life, kept.lapses_after or settings.silence, kept.won_back_for, kept.advocate_for]
        loop += [kept.advocate_from, kept.active_from]
    return np.array([(*times, settings.tick, settings.anchor, cadences, *ends, *loop)], dtype=RULES)[0]


def levels_end_with_contract(settings: EngineSettings, policy: PolicyInForce | None) -> bool:
    """Whether a contract that runs leaves its customer no levels of risk. Where the signs of staying are those of
    contracts themselves, the risk is not that of a silence."""
    return policy is not None and not policy.policy.contract.levels and settings.alive != "contract"


def class_number(customer_class: str) -> int:
    """Its place among `CLASSES`; whoever states no class is of the first."""
    return CLASSES.index(customer_class) if customer_class in CLASSES else 0
