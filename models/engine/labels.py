"""Handlers of the effects by which a pending example gets its label, with what the learned choice did meanwhile."""

from __future__ import annotations

from models.decisions.standing_stored import may_be_treated
from models.decisions.treated import AS_IT_IS, Weighed, later, weighed
from models.engine.decide import label
from models.engine.ground import Ground, ReportedEffect
from models.engine.valued import money_in
from models.outputs import CHURNED, RETURNED


def churned(ground: Ground, effect: ReportedEffect) -> None:
    """A horizon is over: the customer has churned within it, or not."""
    told, gone = ground.effects[effect.number], bool(effect.flag)
    basis, where = told["pending_basis"], ground.where(effect)
    money, of = money_in(told["money"]), _weighed(ground, effect, ground.work.settings.horizon)
    label(ground.work, where, CHURNED, effect.opened, basis, gone, effect.probability, *money, of)


def returned(ground: Ground, effect: ReportedEffect) -> None:
    """A tick is over: the customer has returned within it, or not."""
    told, back = ground.effects[effect.number], bool(effect.flag)
    basis, where = told["pending_basis"], ground.where(effect)
    money, of = money_in(told["money"])[0], _weighed(ground, effect, ground.work.settings.tick)
    label(ground.work, where, RETURNED, effect.opened, basis, back, money=money, of=of)


def _weighed(ground: Ground, effect: ReportedEffect, length: int) -> Weighed:
    """What the learned choice drew and did within a label's window of this length, ms."""
    if not may_be_treated(ground.block.tail(effect.lane).standing):
        return AS_IT_IS
    standing, settings = ground.stands(effect.lane), ground.work.settings
    basis = ground.effects[effect.number]["pending_basis"]
    found = weighed(standing.treated, effect.opened, length, basis)
    standing.treated = later(standing.treated, effect.now, settings.horizon + settings.lateness)
    ground.keep_at(effect.lane, standing, effect.now)
    return found
