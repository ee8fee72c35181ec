"""What the customers of a shard share: its part of the budgets, and the alarm; kept with the shard's state."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

Units = dict[str, dict[int, int]]
"""Of a budget, by the start of its period (log time, ms): units. A contact is one, of money a hundredth is one."""

MOST_SPANS = 64
"""Alarmed spans that are remembered: beyond, the oldest two become one."""


class Usual(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What is usual in one part of the week: how much, in thousandths at most, and from how many boundaries that is
    known; of episodes from how many under the policy in force. left: how many in a row are no part of it, since an
    alarm held. Up to 168 are written with each commit, so they go without names."""

    known: int = 0
    touchpoints: float = 0.0
    episodes: float = 0.0
    left: int = 0
    episodes_known: int = 0


class Alarm(msgspec.Struct, frozen=True, gc=False):
    """The state of a shard's alarm (`models.decisions.alarm`).

    touchpoints, episodes: the shard's totals at the last boundary. boundary: that one. usual: by part of the week.
    excess: how far crossings have been above the usual, summed up. crossings, arrivals: since when (ms) one of the two
    alarms holds; 0: it does not. spans: when one of them held, oldest first, (from, until) in ms.
    """

    boundary: int = 0
    touchpoints: int = 0
    episodes: int = 0
    usual: tuple[Usual, ...] = ()
    excess: float = 0.0
    crossings: int = 0
    arrivals: int = 0
    spans: tuple[tuple[int, int], ...] = ()

    @property
    def holds(self) -> bool:
        """Whether marketing waits."""
        return bool(self.crossings or self.arrivals)


class Shared(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a shard's customers share.

    allowed: of budgets, by the version in force. reserved: of them, by this shard's triggers. unmet: units that could
    not be reserved since the last boundary, by budget. alarm: unset while the policy wants none. wanted: since the last
    boundary, by budget, what draws of the learned choice take by their chances, and would take had there been room
    (`models.decisions.purse.WHOLE_UNIT`).
    """

    allowed: Units = {}
    reserved: Units = {}
    unmet: dict[str, int] = {}
    alarm: Alarm | UnsetType = UNSET
    wanted: dict[str, int] = {}
