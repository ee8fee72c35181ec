"""What the pages show, as plain data, and the port through which they get it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from models.outputs import DeadLetter
from streams.console.background import Made
from streams.monitoring.top.view import View
from streams.operations.stops import Where


@dataclass(frozen=True, slots=True)
class Touch:
    """A touchpoint of a customer. time: its record's, log time in ms."""

    time: int
    type: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """What further silence will bring. low, high: of the interval now. points: (time in ms, probability)."""

    now: float
    low: float | None
    high: float | None
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Story:
    """One customer.

    Attributes:
        customer: the id.
        as_of: the shard's log time, ms.
        profile: as `retention customer --json` has it.
        standing: how we stand with them, as `retention why --json` has it under `now`; None: no policy is in force.
        past: decisions, oldest first, as `retention why --json` has them.
        touches: what came of the customer, oldest first.
        course: None: nobody is estimated.
        levels: of the policy, lowest first: name and threshold.
        trouble: why a part could not be read; empty: all could.
        unread: why what the topics have is not there yet; empty: it is.
    """

    customer: str
    as_of: int
    profile: dict[str, Any]
    standing: dict[str, Any] | None = None
    past: tuple[dict[str, Any], ...] = ()
    touches: tuple[Touch, ...] = ()
    course: Course | None = None
    levels: tuple[tuple[str, float], ...] = ()
    trouble: str = ""
    unread: str = ""


@dataclass(frozen=True, slots=True)
class PolicyPage:
    """The policy in force. shards: by what they have, which ones. waiting: the name of the one that was applied for a
    time to come, and that time (ms); empty: none. history: who applied what, newest first, and proposals: as `retention
    policy` has them. levels: name and threshold. model: as `Sources.model`."""

    name: str = ""
    text: str = ""
    shards: tuple[tuple[str, tuple[int, ...]], ...] = ()
    waiting: tuple[str, int] = ("", 0)
    history: tuple[dict[str, Any], ...] = field(default=())
    proposals: tuple[dict[str, Any], ...] = field(default=())
    levels: tuple[tuple[str, float], ...] = field(default=())
    model: Made = field(default_factory=Made)


@dataclass(frozen=True, slots=True)
class ValueSource:
    """pyramid: as `retention pyramid --json` has it; None: nobody's value is known, and trouble says what brings it.
    held: what is at risk and was spent (`streams.operations.worth`)."""

    pyramid: dict[str, Any] | None
    trouble: str = ""
    held: Made = field(default_factory=Made)


@dataclass(frozen=True, slots=True)
class Stopped:
    """What stands on every page. words: of the stops that the flag has. trouble: why that is not known."""

    words: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class StopsSource:
    """stops: as `retention stops` has them. actions: of the policies in force, by name.
    trouble: what could not be read; empty: nothing."""

    stops: tuple[Where, ...] = ()
    actions: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """found: the newest, oldest first; not many. erased: those customers of theirs of whom nothing may be shown."""

    found: tuple[DeadLetter, ...] = ()
    erased: frozenset[str] = frozenset()


class Sources(Protocol):
    """Where pages read.

    Implemented by Reading (`streams.console.reading`).

    All raise `streams.errors.EngineError`, with a remedy, where a service does not answer."""

    async def now(self) -> View:
        """What the workers and the triggers topic tell."""

    async def story(self, customer: str) -> Story | None:
        """One customer; None: nothing is known of them."""

    async def decisions(self) -> Made:
        """What became of the newest decisions, as `streams.operations.recent_decisions` tells."""

    async def policy(self) -> PolicyPage:
        """The policy in force."""

    async def tiers(self) -> ValueSource:
        """Tiers of value alone, as last counted: never raises, nor takes long."""

    async def levels(self) -> Made:
        """Levels of risk, as the records were read last (`streams.operations.worth`): never raises, nor takes long."""

    async def value(self) -> ValueSource:
        """Tiers of value."""

    async def stopped(self) -> Stopped:
        """For every page: never raises, nor takes long."""

    async def stops(self) -> StopsSource:
        """What is stopped, and where. Never raises: whoever has to stop something needs the form."""

    async def dead_letters(self) -> DeadLetters:
        """The newest."""

    async def model(self) -> Made:
        """The models, as `streams.operations.model_story` tells."""

    async def proof(self) -> Made:
        """What was saved, as `retention lift --json` has it."""
