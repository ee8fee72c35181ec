"""How we stand with a customer: what has asked for a decision and waits, what is out, and what they got of late.

It lies packed in the record's tail (`Tail.standing`) and is opened only where something is decided or reported. Times
are log time in ms, whole seconds. Names are kept as numbers of four bytes (`number_of`), channels of two.
"""

from __future__ import annotations

import re
from enum import IntEnum
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec
from xxhash import xxh3_64_intdigest

from models.decisions.running import Running
from models.decisions.sharing import Sharing
from models.decisions.treated import Treated
from models.decisions.unsent import Unsent
from models.decisions.window import Window
from models.settings import DAY

MAX_WAITING: Final = 4
"""Moments that wait at a time: beyond, the one of the lowest priority ends."""
MAX_OUTSTANDING: Final = 8
"""Triggers whose end is not known, or that ended of late."""
MAX_DATED: Final = 16
"""Dates, and unanswered or counted touchpoints, that are remembered of a customer: beyond, the first is forgotten."""
MAX_COUNTS: Final = 92
"""Days with contacts that are counted, by channel and kind."""
MAX_ONCE: Final = 16
"""Moments and actions with `once_per` that are remembered."""
MAX_UNREACHABLE: Final = 8
"""Channels that are remembered as such on which nothing arrives: beyond, the one that failed first is forgotten."""
LONGEST_WINDOW: Final = 92 * DAY
"""Longest rolling window of a cap."""
_HEX: Final = re.compile("[0-9a-f]{32}")


def number_of(name: str) -> int:
    """A name as the record has it: 32 bits, never 0. `policy check` refuses two names of one number."""
    return xxh3_64_intdigest(name.encode()) & 0xFFFFFFFF or 1


def id_of(trigger: str) -> int:
    """A trigger's id as the record has it: 128 bits; 0 of what is no id of ours."""
    return int(trigger, 16) if _HEX.fullmatch(trigger) else 0


def channel_number(channel: str) -> int:
    """A channel as the record has it: 16 bits, never 0. `policy check` refuses two channels of one number."""
    return xxh3_64_intdigest(channel.encode()) & 0xFFFF or 1


def gate_number(code: str) -> int:
    """A gate, or what else makes a moment wait, as the record has it: 16 bits, never 0."""
    return xxh3_64_intdigest(code.encode()) & 0xFFFF or 1


class Waiting(NamedTuple):
    """A moment that has asked and is not answered.

    moment: `number_of` its name. asked: when its life began. wakes: when it is looked at again; 0: at a touchpoint that
    wakes it only. threshold: the level's risk that asked, 0.0 of a touchpoint moment. again: it had a trigger that was
    not sent or did not arrive; it gets no third one.
    """

    moment: int
    asked: int
    wakes: int
    threshold: float = 0.0
    again: bool = False


class Dated(NamedTuple):
    """What a moment of the policy goes by that is no level: a date, a touchpoint that nobody has answered yet, or one
    that counts towards the next.

    moment: `number_of` its name. date: that of the customer, or when the touchpoint came, a whole second. wakes: when
    the moment asks; 0: it has asked for this date, or only counts.
    """

    moment: int
    date: int
    wakes: int = 0


class Stage(IntEnum):
    """Where an outstanding trigger stands. Stored: never renumber."""

    OUT = 0  # reserved; nobody has said yet that it arrived
    DELIVERED = 1  # it arrived
    WITHDRAWN = 2  # taken back by us; the sender may not have obeyed
    PRESUMED = 3  # its expiry passed without a word: counts as delivered until somebody says that it was not sent
    GIVEN_BACK = 4  # it was not sent: it counts for nothing, unless somebody says that it arrived
    HELD = 5  # reserved for a moment shared with another customer; there is no trigger yet


IN_FLIGHT: Final = (Stage.OUT, Stage.WITHDRAWN)
"""Stages of a trigger that may yet arrive."""
TAKES_ROOM: Final = (*IN_FLIGHT, Stage.HELD)
"""The same, and of what is reserved for one."""
_FLYING, _GIVEN_BACK = (*map(int, IN_FLIGHT),), int(Stage.GIVEN_BACK)
"""As numbers, which are compared in a fifth of the time."""
OTHERS: Final = 15
"""In place of the kind of an action: a contact by others."""


class Spent(NamedTuple):
    """What a trigger has taken of a budget.

    budget: `number_of` its name. period: its start, ms. units: as the budget counts. money: what is not used of it can
    be taken again.
    """

    budget: int
    period: int
    units: int
    money: bool


class Outstanding(NamedTuple):
    """A trigger of ours, or a contact by others, of late (kind `OTHERS`).

    id: the trigger's, as a number (`id_of`), or that of what others have reserved; 0: a contact by others. time: of
    the reservation; once delivered, of the delivery. expires: from then on it counts as delivered. until: the
    promotion is open so long; 0: it is none, or it has ended. action: `number_of` its name. kind: of
    `policy.types.KINDS`. purpose: of `models.customer.restrictions.ACTION_PURPOSES`. Both by number. spent: of
    budgets. moment, asked: of what was not drawn, which moment asked and when its life began, as long as it may ask
    once more; 0: it may not.
    """

    id: int
    time: int
    expires: int
    until: int
    channel: int
    action: int
    kind: int
    purpose: int
    stage: int = Stage.OUT
    spent: tuple[Spent, ...] = ()
    moment: int = 0
    asked: int = 0


class DayCount(NamedTuple):
    """Marketing and care contacts of a day (UTC, number since 1970) on a channel, settled and 14 days old."""

    day: int
    channel: int
    kind: int
    purpose: int
    contacts: int

    @property
    def ends(self) -> int:
        """When the day is over, ms: as if all its contacts had been then."""
        return (self.day + 1) * DAY


class Standing(msgspec.Struct, eq=False, gc=False):
    """All of it. reached: the highest threshold of risk that has asked in the open episode, 0.0: none. window_ends:
    nothing is drawn before; 0: no window. rests_until: no marketing before (a decline, a spam report). harmed_until:
    the same after a bad experience. promoted: the open episode had its promotion. once: by number, when last.
    unreachable: channels on which nothing arrives, by `channel_number`, since when (`models.decisions.reach`).
    talks_until: the customer is in a conversation with us; 0: in none. answers: at which parts of the day they answer
    (`models.decisions.best_hour`). running: plans. dates: what moments of dates go by (`models.decisions.dates`).
    silence_kept: each silence that asks has its timer, so that signs of staying need not be looked at. carried: what
    waits for risk waits for its turn, since it stood at its level when a policy came into force. shadowed: the highest
    threshold at which a shadow was drawn in the open episode. window: of a draw by the learned choice, until its
    outcome is said; None: there is none. treated: what was drawn of late, which labels of churn are weighed by.
    inherited: another id of the customer was of the control group, hence they are. unsent: triggers that were stopped.
    shared: what they are offered together with another customer (`models.decisions.sharing`).
    told: by the number of a moment that waits, `gate_number` of what it was last said to wait for
    (`models.decisions.waits`). read: what it was read from: of what has not changed since, `pack_standing` takes the
    bytes. The fields from `running` on are the parts of `models.decisions.standing_parts`, in their order."""

    reached: float = 0.0
    window_ends: int = 0
    rests_until: int = 0
    harmed_until: int = 0
    promoted: bool = False
    waiting: list[Waiting] = []
    outstanding: list[Outstanding] = []
    counts: list[DayCount] = []
    once: dict[int, int] = {}
    unreachable: dict[int, int] = {}
    talks_until: int = 0
    answers: int = 0
    silence_kept: bool = False
    running: list[Running] = []
    dates: tuple[Dated, ...] = ()
    unsent: list[Unsent] = []
    carried: bool = False
    live: int = 0
    shadowed: float = 0.0
    told: dict[int, int] = {}
    window: Window | None = None
    treated: Treated | None = None
    inherited: bool = False
    shared: list[Sharing] = []
    read: AsRead | None = None

    def __eq__(self, other: object) -> bool:
        """What it was read from makes no difference."""
        return isinstance(other, Standing) and bool(_all_but_read(self) == _all_but_read(other))

    def leave(self, one: Waiting) -> None:
        """A moment waits no more; with that of risk goes what is known of its turn."""
        self.waiting.remove(one)
        if one.threshold:
            self.carried, self.live = False, 0

    @property
    def acts_until(self) -> int:
        """Until when what was drawn may still be done, ms: the window's end. Its outcome may be said later."""
        return self.window_ends if self.window is None else self.window.ends

    def next_timer(self) -> int:
        """The earliest moment at which something here ends or is looked at again, ms; 0: there is none."""
        times = [self.window_ends] if self.window_ends else []
        for _, _, wakes, _, _ in self.waiting:
            if wakes:
                times.append(wakes)
        for _, _, expires, until, _, _, _, _, stage, _, _, _ in self.outstanding:
            if stage in _FLYING and expires:
                times.append(expires)
            if until and stage != _GIVEN_BACK:
                times.append(until)
        if self.shared or self.dates or self.unsent or self.running:
            times += [shared.until for shared in self.shared if shared.until]
            times += [dated.wakes for dated in self.dates if dated.wakes]
            times += [unsent.wakes for unsent in self.unsent if unsent.wakes]
            times += [running.due for running in self.running if running.due]
        if self.treated is not None and self.treated.until:
            times.append(self.treated.until)
        return min(times, default=0)

    def forget_told(self) -> None:
        """What was said of moments that wait no more counts for nothing when they ask again."""
        if not self.told.keys() <= (waiting := {one.moment for one in self.waiting}):
            self.told = {moment: gate for moment, gate in self.told.items() if moment in waiting}


_all_but_read: Final = attrgetter(*Standing.__struct_fields__[:-1])


class AsRead(msgspec.Struct, frozen=True, gc=False):
    """A standing as it was read: what of it is a list or may be changed in place, what else stands in its head, the
    parts that only some have, the bytes of all of it, and where in them begins what is behind `waiting`, `outstanding`
    and `once`, what may ask once more, what only some have, and `counts`."""

    waiting: list[Waiting]
    outstanding: list[Outstanding]
    once: dict[int, int]
    counts: list[DayCount]
    head: tuple[object, ...]
    parts: tuple[object, ...]
    stored: bytes
    begins: tuple[int, int, int, int, int, int]
