"""What decisions are made from, and what they say."""

from __future__ import annotations

from enum import IntFlag
from typing import Any

from msgspec import Struct
from xxhash import xxh3_128_hexdigest

from models.decisions.ask import Common
from models.decisions.choosing.described import Counted
from models.decisions.choosing.numbers import Numbers
from models.decisions.person import Person
from models.decisions.policy.asking_types import Level
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.sharing import Tells
from models.decisions.standing import Standing
from models.outputs import Candidate, Drawn, Ended, Outcome
from models.timeline.stop_types import Stop


class Asks(IntFlag):
    """Why a decision is asked for."""

    LEVEL = 1  # the risk is at a level that has not asked yet
    TIMER = 2
    TOUCHPOINT = 4  # it asks, or reports, or may wake what waits
    LOOP = 8  # it does none of these, and counts in the loyalty loop: alone it asks for no decision


class Touched(Struct, frozen=True, gc=False):
    """A touchpoint that asks, reports or wakes. time: its own, ms. moments: that it asks. number: of its source and id,
    64 bits. told_at: the other id of the customer's at which it was told; empty: at their own."""

    kind: int
    id: str
    time: int
    data: Any
    moments: tuple[str, ...] = ()
    number: int = 0
    told_at: str = ""


class Known(Struct, frozen=True, gc=False):
    """What the learned choice draws by. counted: what the record has counted. horizon: that of values, ms. numbers: of
    the version in force; None: it has none yet, and the policy's figures stand in their place. lateness: how long after
    its end a window waits for what is told of it, ms."""

    counted: Counted
    horizon: int
    numbers: Numbers | None = None
    lateness: int = 0


class Given(Struct, frozen=True, gc=False):
    """What is decided from.

    now: log time, ms. tick: how far ahead a moment waits at most before it is looked at again, ms. estimate: of risk at
    this place; None: none was made. phase: the customer's own, ms, by which floods are spread. why: bits of `Asks`.
    touch: None at a timer. stood: the risk before this place, where it was estimated under an earlier policy; 0.0: it
    was not. shared: what the shard's customers share; its purse is changed. None: nothing. history: nobody is triggered
    by what is it. stops: what operators have stopped. points: the customer's balance before this place; None: it is the
    same. known: for the learned choice; None: the policy's figures choose. praised: the customer speaks well of us with
    the touchpoint. level: what has changed of the membership of the loyalty programme.
    """

    policy: PolicyInForce
    person: Person
    standing: Standing
    now: int
    tick: int
    phase: int
    estimate: float | None
    why: int
    touch: Touched | None = None
    stood: float = 0.0
    shared: Common | None = None
    history: bool = False
    stops: tuple[Stop, ...] = ()
    points: int | None = None
    known: Known | None = None
    praised: bool = False
    level: tuple[str, ...] = ()

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels of risk that ask the customer, lowest first."""
        return self.policy.levels(self.person.customer_class, self.person.level_tier, self.person.level_stage)


class Sending(Struct, frozen=True, gc=False):
    """What a trigger has beside the decision that makes it. zone: how the hour was found, in words.
    reserved: units by budget. not_before: the earliest time to send it, ms; 0: at once."""

    expires_at: int
    valid_until: int
    cost: float
    propensity: float
    zone: str
    reserved: tuple[tuple[str, int], ...] = ()
    not_before: int = 0


class Said(Struct, frozen=True, gc=False):
    """One thing that is said to the audit, with the trigger or the withdrawal that comes with it.

    trigger: the id of the trigger that it is about. sending: the trigger that it makes. withdraws: it takes it back.
    test: it counts for nothing. to: the test customer to whom it goes in place of the one that it is about. drawn:
    what the learned choice drew by. ended, outcome: what came of a draw, for the audit and for the learner. group: of
    what is offered to two. tells: what is said to the other one's shard; of that alone nothing is said to the audit.
    """

    what: str
    id: str = ""
    reason: str = ""
    moment: str = ""
    level: str = ""
    action: str = ""
    channel: str = ""
    gate: str = ""
    until: int = 0
    candidates: tuple[Candidate, ...] = ()
    control: bool = False
    trigger: str = ""
    sending: Sending | None = None
    withdraws: bool = False
    test: bool = False
    to: str = ""
    drawn: Drawn | None = None
    ended: Ended | None = None
    outcome: Outcome | None = None
    group: str = ""
    tells: Tells | None = None


def decision_id(customer: bytes, moment: str, now: int, cause: str, level: str) -> str:
    """From customer, moment, log time, what caused it (a touchpoint's id, or ``due``), and the level: 32 hex digits."""
    parts = (customer, moment.encode(), b"%d" % now, cause.encode(), level.encode())
    return xxh3_128_hexdigest(b"\0".join(parts))


def again_id(decision: str, times: int) -> str:
    """The id of a further trigger of a decision. times: how many it has made with this one, from 2 on."""
    return xxh3_128_hexdigest(b"\0".join((decision.encode(), b"%d" % times)))


def cause_of(given: Given) -> str:
    """The id of the touchpoint at which something is decided, or ``due``."""
    return given.touch.id if given.touch is not None else "due"


def id_at(given: Given, moment: str, level: str = "") -> str:
    """The id of a decision made here."""
    return decision_id(given.person.customer, moment, given.now, cause_of(given), level)
