"""Settings of the pure engine: one frozen object, times in milliseconds, probabilities in [0, 1].

Everything here decides about customers, so it is part of what must be equal for a replay to be equal; it is kept with
the state and compared when a shard is taken over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal, Self, get_args

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

Phase = Literal["spread", "aligned"]
Alive = Literal["purchase", "engagement", "contract"]

CHALLENGERS: Final = ("adagrad", "forest")
"""Models that may learn beside the champion; `models.churn.challengers.river_model` makes them. Their names are here,
since a wrong setting must be found before River is loaded."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Settings of the pure engine.

    alive: what counts as staying (`models.churn.definition`): purchases, any engagement, or the renewal of a contract.
    challengers: names of the River models that learn beside the champion (`CHALLENGERS`), with commas between them.
    horizon: a customer who gives no sign of staying for this long after a moment has churned, as seen from that moment.
    tick: distance of a customer's learning ticks. anchor: any moment at which an aligned tick and a boundary lie.
    phase: ``spread`` gives each customer a phase of their own within the tick, ``aligned`` puts all at the anchor's.
    lateness: a touchpoint older than the shard's time by more than this is late.
    boundary: distance of the moments at which model versions are published. version_delay: D of the rule "a decision at
    t uses the version of the last boundary <= t - D".
    enter, exit: the risk at which an episode opens, and below which it closes (hysteresis).
    trigger_life: how long a trigger is worth acting on.
    duplicate_window: a touchpoint that is older than the customer's newest by more than this, and may have come before
    the last eight, which are all that a record remembers, is taken for a duplicate, but for what people say of what may
    be done with them (`models.touchpoints.kinds.RIGHTS`); 0: it is applied, whatever its age.
    forget_after: a record without a touchpoint for two horizons and this long leaves the store, that of a visitor who
    never bought and what is kept of an erased customer included; 0: none does.
    piece_items: how many due items one commit holds at most; bounds the commit, no result depends on it.
    """

    alive: Alive = "purchase"
    challengers: str = "adagrad"
    horizon: int = 91 * DAY
    tick: int = 7 * DAY
    anchor: int = 0
    phase: Phase = "spread"
    lateness: int = HOUR
    boundary: int = HOUR
    version_delay: int = HOUR
    enter: float = 0.8
    exit: float = 0.65
    trigger_life: int = 3 * DAY
    duplicate_window: int = 0
    forget_after: int = 0
    piece_items: int = 4_000

    def __post_init__(self) -> None:
        for name in ("horizon", "tick", "boundary", "trigger_life", "piece_items"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; give a positive number")
        if self.tick < SECOND:
            raise ValueError(f"tick is {self.tick} ms; give at least {SECOND}: customers' phases are whole seconds")
        for name in ("lateness", "version_delay", "duplicate_window", "forget_after"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; give zero or more")
        if not 0.0 < self.exit <= self.enter < 1.0:
            raise ValueError(f"exit {self.exit} and enter {self.enter}; give 0 < exit <= enter < 1")
        for name, value, allowed in (("phase", self.phase, get_args(Phase)), ("alive", self.alive, get_args(Alive))):
            if value not in allowed:
                raise ValueError(f"{name} is {value!r}; give one of {', '.join(allowed)}")
        if self.tick % self.boundary and self.boundary % self.tick:
            raise ValueError(f"tick {self.tick} and boundary {self.boundary} ms; one must be a multiple of the other")

    @property
    def silence(self) -> int:
        """Recency (ms) beyond which a customer is lapsed: no further ticks, two horizons."""
        return 2 * self.horizon

    @property
    def leaves(self) -> tuple[int, int]:
        """How long after their last touchpoint records leave the store, and within what time from then on, ms; the
        first is 0 where none leaves."""
        return (self.silence + self.forget_after if self.forget_after else 0), self.tick

    def cadence(self, window: int) -> int:
        """Sampling cadence: at every how many ticks an example begins, so that one is pending, for a label's `window`
        (ms)."""
        return -(-(window + self.lateness) // self.tick)

    def deciding(self) -> dict[str, int | float | str]:
        """Everything that decides, by name: a replay must have it equal. `piece_items` decides nothing.

        What came after shards had been created is left out where it is what it was before: they don't hold it.
        """
        left_out = DECIDING_NOTHING | {name for name, value in LATER.items() if getattr(self, name) == value}
        return {name: value for name, value in asdict(self).items() if name not in left_out}

    def changed(self, values: Mapping[str, int | float | str]) -> Self:
        """The same, with other values of the named settings. Raises ValueError where they do not fit."""
        given: dict[str, Any] = dict(values)
        return replace(self, **given)

    @classmethod
    def stored(cls, values: Mapping[str, int | float | str]) -> Self:
        """Inverse of `deciding`: what a release has stored, this one's or an older one's.

        Raises:
            UnknownSettings: a newer release stored it.
            ValueError: what every release stores is lacking, or a value can't be.
        """
        given: dict[str, Any] = {**LATER, **values}
        known = {name for name in cls.__dataclass_fields__ if name not in DECIDING_NOTHING}
        if unknown := sorted(given.keys() - known):
            raise UnknownSettings(", ".join(f"{name} = {given[name]!r}" for name in unknown))
        if lacking := sorted(known - given.keys()):
            raise ValueError(f"{', '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} not stored")
        return cls(**given)


class UnknownSettings(ValueError):
    """Stored settings that decide and that this release does not have, each with its value."""


DECIDING_NOTHING: Final = frozenset({"piece_items"})
"""Settings on which no result depends."""

LATER: Final[dict[str, int | float | str]] = {"duplicate_window": 0, "forget_after": 0}
"""Settings that came after shards had been created, each with the value that means 'as it was before'.

So every release takes over the shards of an older one, and the shards of a newer one that leaves its new settings at
these values. Whoever adds a setting that decides adds it here (tests/unit/models/test_settings.py).
"""

CHANGEABLE: Final = ("enter", "exit", "trigger_life", "duplicate_window")
"""Settings that an operator's record of the log may change: nothing that is stored was computed by them, and the model
learns by none. All others are fixed when a shard is created."""
