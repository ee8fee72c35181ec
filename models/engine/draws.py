"""The draws of the learned choice, as a shard counts them for the learner, and the outcomes of their windows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from msgspec import UnsetType
from msgspec.structs import replace

from models.churn import Scorer
from models.churn.snapshot import lineage_name
from models.decisions.choosing.arms import arms_of
from models.decisions.choosing.caution import State
from models.decisions.choosing.numbers import Numbers
from models.decisions.choosing.schema import numbers_in
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.parts import ms_of
from models.decisions.waits import LEAVE_ALONE
from models.engine.output_buffer import Work
from models.outputs import ArmPulse, ChoicePulse, Decision, Emittable, Ended, Outcome, Pulse
from models.timeline.shard_state import Draws, ShardState


def known_of_actions(scorer: Scorer) -> Numbers | None:
    """What a version says of them; None: nothing that this release chooses by. Raises SnapshotRefused."""
    scored_by: Any = scorer
    return None if getattr(scorer, "choice", None) is None else _numbers(scored_by)


@lru_cache(maxsize=16)
def _numbers(scorer: Any) -> Numbers | None:
    return numbers_in(scorer.choice)


def taught(work: Work, now: int, outcome: Outcome, ended: Ended) -> tuple[Outcome, Ended]:
    """An outcome as the learner may have it, and as the audit has it: nothing is learned where the alarm held for much
    of the window."""
    shared = work.shared
    if not outcome.features or shared is None or shared.is_learned(ended.opened, now):
        return outcome, ended
    return replace(outcome, features=b""), replace(ended, unlearned="alarm")


def counted(draws: Draws | UnsetType, said: Iterable[Emittable]) -> Draws | UnsetType:
    """The draws so far, and those in what was said. Whole numbers: their order makes no difference.

    Of the control group, and of who tries things out, nothing was done: they are not counted.
    """
    for one in said:
        if not isinstance(one, Decision) or one.drawn is None or one.control or one.test:
            continue
        found = Draws() if isinstance(draws, UnsetType) else draws
        arm = next((each.arm for each in one.candidates if each.action == one.action), "")
        opened = found.opened
        if one.action != LEAVE_ALONE:
            opened = {**opened, arm: opened.get(arm, 0) + 1}
        unproven = any(each.state == State.UNPROVEN for each in one.candidates)
        draws = Draws(
            found.draws + 1,
            found.worth + round(one.drawn.worth * 100.0),
            found.tried + one.drawn.tried,
            found.open + unproven,
            {name: opened[name] for name in sorted(opened)},
        )
    return draws


def with_draws(
    pulse: Pulse | None,
    state: ShardState,
    policy: PolicyInForce,
    boundary: int,
    quiet: bool,
    wanted: Mapping[str, int],
) -> Pulse | None:
    """A pulse that tells of the draws, too; the same where the policy wants no learned choice.

    Args:
        pulse: so far; None: there is nothing else to tell.
        state: of the shard, after the piece that ends at the boundary.
        policy: in force.
        boundary: log time, ms.
        quiet: what was decided so far is history.
        wanted: of budgets, by the draws (`models.timeline.shared.Shared`).
    """
    choice = policy.policy.choice
    if not choice.learned:
        return pulse
    if pulse is None:
        lineage = lineage_name(state.lineage)
        pulse = Pulse(state.partition, boundary, policy.number, policy.sha256, state.version, lineage, quiet)
    draws = Draws() if isinstance(state.draws, UnsetType) else state.draws
    arms = tuple(ArmPulse(arm.action, arm.name, arm.figure) for arm in arms_of(policy).values())
    told = ChoicePulse(
        arms,
        choice.unproven,
        ms_of(choice.forget),
        choice.tolerated,
        draws.draws,
        draws.worth,
        draws.tried,
        draws.open,
        draws.opened,
        {name: wanted[name] for name in sorted(wanted)},
        ms_of(choice.price_step),
    )
    return replace(pulse, choice=told)
