"""What is decided under a policy, by what came of it and by what held it back; the budgets, and the alarms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import UNSET
from prometheus_client import CollectorRegistry, Counter, Gauge

from models.decisions.others import MAY_CONTACT
from models.decisions.preview import PREVIEWED
from models.decisions.shared_moments import SHARED_MOMENTS
from models.decisions.words import BECAME, PLANS, SENTENCES, SHARED, WAITS
from models.loyalty.loop import STAGES
from models.outputs import LOYALTY, OUTCOME, REQUESTS, TASK
from models.timeline.shard_state import ShardState
from models.timeline.shared import Alarm, Shared
from models.timeline.stops import in_force

OTHER: Final = "other"
NO_GATE: Final = "none"
WHATS: Final = (
    "triggered",
    "control",
    "left_alone",
    "held",
    TASK,
    "waits",
    "void",
    "episode_opened",
    "shadow",
    "resent",
    *BECAME,
    *PLANS,
    *SHARED_MOMENTS,
    *REQUESTS,
    MAY_CONTACT,
    PREVIEWED,
    OUTCOME,
)
"""What came of a moment (the first seven), that an episode opened, what became of a trigger, of a plan, and of
what two were to be offered together, what was
drawn in shadow, what a customer asks a person for, what another sender asked, previews, and what came of a draw by the
learned choice."""
GATES: Final = (*SENTENCES, *WAITS, *SHARED)
"""What held a moment, or took a trigger back; any other counts as `OTHER`, such as a touchpoint's type."""


class DecisionSeries:
    """The series of one worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._decisions = Counter(
            "retention_decisions", "decided by a policy, or asked of a person", ("what", "gate"), registry=registry
        )
        for what in WHATS:  # shown at 0, so that the first one is an increase
            for gate in GATES if what in ("held", "waits") else (NO_GATE,):
                if what != "withdrawn":
                    self._decisions.labels(what, gate)

        self._stages = Counter(
            "retention_stage_changes",
            "customers at another stage of the loyalty loop, by the stage that they come to",
            ("stage",),
            registry=registry,
        )
        for stage in STAGES:
            self._stages.labels(stage)

    def count(self, decided: Mapping[tuple[str, str], int]) -> None:
        """Count the decisions of a commit, by `models.engine.changes.Changes.decided`."""
        for (what, gate), many in decided.items():
            if what == LOYALTY:
                if gate:
                    self._stages.labels(gate).inc(many)
                continue
            known = NO_GATE if not gate else gate if gate in GATES else OTHER
            self._decisions.labels(what if what in WHATS else OTHER, known).inc(many)


ALARMS: Final = ("arrivals", "crossings")
LEVELS: Final = ("allowed", "reserved", "unmet")


class SharedSeries:
    """What a shard's customers share: where its budgets stand, whether its alarm holds, and what operators have
    stopped."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._units = Gauge(
            "retention_budget_units",
            "units of the running period that a shard is allowed, has reserved, or lacked since the last boundary",
            ("shard", "budget", "what"),
            registry=registry,
        )
        self._alarm = Gauge("retention_alarm", "1 while marketing waits", ("shard", "what"), registry=registry)
        self._stopped = Gauge(
            "retention_stopped", "1 while a shard decides by this stop", ("shard", "stop"), registry=registry
        )
        self._budgets: dict[int, set[str]] = {}
        self._stops: dict[int, set[str]] = {}

    def state(self, shard: int, state: ShardState) -> None:
        """Where a shard stands after a takeover or a commit."""
        self._show_stops(shard, {str(stop.number) for stop in in_force(state).standing})
        if state.shared is UNSET and shard not in self._budgets:
            return
        shared = Shared() if state.shared is UNSET else state.shared
        names = {*shared.allowed, *shared.reserved}
        for gone in self._budgets.get(shard, set()) - names:
            self._forget(shard, gone)
        self._budgets[shard] = names
        for name in names:
            starts = {*shared.allowed.get(name, ()), *shared.reserved.get(name, ())}
            period = max((start for start in starts if start <= state.time), default=0)
            values = (
                shared.allowed.get(name, {}).get(period, 0),
                shared.reserved.get(name, {}).get(period, 0),
                shared.unmet.get(name, 0),
            )
            for what, value in zip(LEVELS, values, strict=True):
                self._units.labels(str(shard), name, what).set(value)
        alarm = Alarm() if shared.alarm is UNSET else shared.alarm
        for what, since in zip(ALARMS, (alarm.arrivals, alarm.crossings), strict=True):
            self._alarm.labels(str(shard), what).set(since > 0)

    def left(self, shard: int) -> None:
        """The shard is another worker's."""
        self._show_stops(shard, set())
        for name in self._budgets.pop(shard, set()):
            self._forget(shard, name)
        for what in ALARMS:
            self._alarm.remove(str(shard), what)

    def _show_stops(self, shard: int, numbers: set[str]) -> None:
        for gone in self._stops.get(shard, set()) - numbers:
            self._stopped.remove(str(shard), gone)
        for number in numbers:
            self._stopped.labels(str(shard), number).set(1)
        self._stops[shard] = numbers

    def _forget(self, shard: int, budget: str) -> None:
        for what in LEVELS:
            self._units.remove(str(shard), budget, what)
