"""Which touchpoints of a piece ask for a decision by the policy in force, and which may wake what waits."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.churn.definition import LEAVING, SIGNS
from models.decisions.experience import BAD_EXPERIENCES, is_bad
from models.decisions.moments import TAKES_BACK, WILL
from models.decisions.policy.conditions import holds
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rules import rules_of
from models.decisions.waking import WAKING, opens_a_way
from models.engine.arrivals import ASKS, BUYS, LOOPS, STAYS, WAKES
from models.engine.felt import felt_in
from models.loyalty.experiences import VOICES
from models.settings import Alive
from models.timeline.batch import Batch
from models.timeline.pieces import Piece
from models.touchpoints import Kind
from models.touchpoints.kinds import RESERVED

COUNTED: Final = (Kind.CAMPAIGN_RECEIVED, Kind.SPAM_REPORTED, Kind.OFFER_FAILED)
"""Kinds that count for whoever we never wrote to, too."""
REPORTS: Final = (
    Kind.OFFER_SENT,
    Kind.OFFER_DELIVERED,
    Kind.OFFER_OPENED,
    Kind.OFFER_ACCEPTED,
    Kind.OFFER_DECLINED,
    Kind.OFFER_FAILED,
    Kind.OFFER_WITHDRAWN,
    Kind.OFFER_EXPIRED,
    Kind.COUPON_REDEEMED,
)
"""Kinds that say what became of a trigger."""
TOLD: Final = WAKING.union(WILL, *TAKES_BACK.values()) - RESERVED - {Kind.PRESENCE}
"""Kinds after which what waits is looked at again, or what is out may have to be taken back, whatever they tell."""


class Asked(NamedTuple):
    """rows, felt: of the batch, as in `models.engine.arrivals.Arrivals`; None: no policy is in force, or it keeps no
    loyalty loop. moments: the touchpoint moments that a row asks, by row."""

    rows: NDArray[np.uint8] | None
    moments: dict[int, tuple[str, ...]]
    felt: NDArray[np.float64] | None = None


def asking(policy: PolicyInForce | None, batch: Batch, piece: Piece, alive: Alive = "purchase") -> Asked:
    """What the piece's touchpoints ask. alive: of the settings."""
    if policy is None:
        return Asked(None, {})
    columns = batch.columns
    table, by_what_they_tell = _of_kind(policy, alive)
    rows = table[columns.kinds]
    moments: dict[int, tuple[str, ...]] = {}
    contents: list[Any] = columns.contents
    for row in (np.flatnonzero(by_what_they_tell[columns.kinds[piece.first : piece.last]]) + piece.first).tolist():
        data, kind = contents[row].data, int(columns.kinds[row])
        if is_bad(kind, data):
            rows[row] = ASKS
        elif kind == Kind.PRESENCE and opens_a_way(policy, data):
            rows[row] |= WAKES
        found = tuple(moment for moment in policy.asking.get(kind, ()) if _meant(policy, moment, data))
        if found:
            moments[row], rows[row] = found, ASKS
    return Asked(rows, moments, felt_in(policy, batch, np.flatnonzero(rows & LOOPS)))


def _meant(policy: PolicyInForce, moment: str, data: Any) -> bool:
    """Whether a touchpoint with this data is one that the moment means."""
    when = policy.policy.moment[moment].when
    return when is None or holds(when, lambda name: getattr(data, name, None))


@lru_cache(maxsize=8)
def _of_kind(policy: PolicyInForce, alive: Alive) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """By kind, what a touchpoint asks whatever it tells; and whether it may ask more by that."""
    table, rules = np.zeros(256, dtype=np.uint8), rules_of(policy)
    taking_back = (name for action in policy.policy.action.values() for name in action.withdraw_when or ())
    planned = {kind for plan in rules.plans.values() for kind in plan.ends_with}
    planned |= {kind for plan in rules.plans.values() for step in plan.steps for kind in step.unless}
    table[[*planned]] = WAKES
    table[[*TOLD, *REPORTS, *(Kind[name.upper()] for name in taking_back), *rules.answers]] = WAKES
    if rules.of_silence:
        table[list(SIGNS[alive])] |= STAYS
    if policy.policy.choice.learned:
        table[Kind.PURCHASE] |= BUYS
    if rules.points is not None:
        table[list(rules.points.kinds)] = ASKS
    if rules.loyalty is not None:
        of_loop = {*rules.loyalty.kinds, *SIGNS[alive], *LEAVING[alive]}
        table[list(of_loop)] |= LOOPS
        # Such a touchpoint changes how we stand with whoever we never wrote to, or asks.
        table[list(of_loop & {*REPORTS, *(VOICES if rules.loyalty.thanked else ())})] = ASKS
    if rules.membership is not None:
        table[list(rules.membership.kinds)] = ASKS
    table[[*COUNTED, *rules.talks, *rules.tell_dates, Kind.LOOKED_AT]] = ASKS
    by_what_they_tell = np.zeros(256, dtype=np.bool_)
    by_what_they_tell[[*BAD_EXPERIENCES, Kind.PRESENCE, *policy.asking]] = True
    return table, by_what_they_tell
