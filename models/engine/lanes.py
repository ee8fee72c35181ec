"""Per-customer cursors for one commit, and the buffer of effects that compiled code reports."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.customer.bands import Band
from models.customer.block import Block
from models.customer.contract import runs_until
from models.customer.layout import BASIS, LAST_PURCHASE
from models.customer.schedule import phase_of
from models.customer.tail import Tail, TailForLanes, mark_of
from models.customer.worth import FIELDS, HELD, WORTH
from models.decisions.dates import silences_kept
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.standing_stored import watched_of
from models.engine.compiled_rules import class_number, levels_end_with_contract
from models.loyalty.loop import COLUMNS, STORED_BYTES, level_stage_in
from models.loyalty.stored import timer_of
from models.settings import EngineSettings
from models.timeline.pieces import Piece

_STANDING, _CLASS, _CONTRACT = mark_of("standing"), mark_of("customer_class"), mark_of("contract")
_POINTS, _MEMBERSHIP, _LOYALTY = mark_of("points"), mark_of("membership"), mark_of("loyalty")


class Effect(IntEnum):
    """Kinds of effects that compiled code reports."""

    PROFILE = 1  # a touchpoint that enters the tail
    CASE = 2  # the same, and the lane waits until it has: a case, consent, a restriction
    REARM = 3  # a trigger expired unsent; the lane waits
    ERASE = 4  # the lane waits
    LAPSED = 5  # silent too long, with an open episode
    CHURNED = 6  # of a pending example: churned within the horizon or not
    RETURNED = 7  # of a pending example: returned within a tick or not
    OPENED = 8  # an episode
    AGAIN = 9  # the open episode may ask again
    CLOSED = 10
    FORGOTTEN = 11  # silent for so long that the record leaves the store; the lane waits
    REOPENED = 12  # consent after an erasure; the lane waits until the record is blank again
    REFUSED = 14  # an erased customer refuses something; the lane waits
    MERGED = 15  # the id is another customer's; the lane waits
    TAKEN_OVER = 16  # what was known of another id arrives; the lane waits
    PASSED_ON = 17  # something comes at an id that is another customer's; the lane waits
    ANSWERED = 18  # another shard says something of a shared moment, where nothing can be decided
    LOOPED = 19  # a touchpoint counts in the loyalty loop, and plain Python has to see how; the lane waits
    STAGED = 20  # one has counted, and the customer is at another stage of the loop
    DECIDE = 13  # something asks for a decision by the policy in force, or reports what became of one; the lane waits


class State(IntEnum):
    """Where a lane stands."""

    NEXT = 0  # before its next step
    PROFILE = 1  # in the middle of a touchpoint: its case is in the tail now
    ASKING = 2  # its basis waits for a scorer
    SCORED = 3  # the probability has come
    DONE = 4


class Count(IntEnum):
    """Fields of `models.timeline.shard_state.Totals` that the walk counts."""

    APPLIED = 0
    DUPLICATE = 1
    LATE = 2
    SKEWED = 3
    DUE = 4
    SCORED = 5
    EPISODES = 6
    CROSSINGS = 7
    ROWS = 8  # steps taken
    UNSURE = 9
    """Applied, and may have come before: no newer than the newest of a record that has forgotten others, or so old that
    the customer may have left the store since."""
    BEYOND = 10  # taken for duplicates, since they would be unsure and are older than the window


LANE = np.dtype(
    [
        ("cursor", "<i8"),  # the lane's next touchpoint, a row of the batch; -1: none
        ("row", "<i8"),  # the touchpoint of the step under way; -1: it is a due item
        ("due", "<f8"),  # the position of the timer, 0: it is a touchpoint
        ("now", "<i8"),
        ("phase", "<i8"),
        ("cadence_offset", "<i8"),  # offset of the customer's own sampling cadence
        ("own_due", "<f8"),  # after a step: when the customer is looked at next but for `timer`, a timer position
        ("timer", "<i8"),  # the next timer of the standing, of points or the level, ms; 0: none
        ("stood", "<f8"),  # the risk as it was estimated before this step
        ("reached", "<f8"),  # the highest threshold of risk that has asked; 0.0: none
        ("basis", "<f4", BASIS),
        ("exists", "u1"),
        ("before", "u1"),  # the customer comes before the piece's bound at its timer position
        ("changed", "u1"),
        ("state", "u1"),
        ("may_open", "u1"),
        ("asks", "u1"),  # why this step ends with a decision: bits of `models.decisions.given.Asks`
        ("stands", "u1"),  # the record has a standing (`models.decisions.standing`), so that touchpoints may wake it
        ("ladder", "u1"),  # which of `rules.ladders` is the customer's now
        ("of_class", "u1"),  # the customer's, its place among `CLASSES`
        ("runs_until", "<i8"),  # until when a contract leaves them no levels, ms; 0: none does
        ("silence_kept", "u1"),  # each silence that asks has its timer (`models.decisions.dates`)
        ("drawn", "u1"),  # nothing is drawn for some time, since something was: purchases count for what comes of it
        *((name, WORTH[name].str) for name in FIELDS),  # what is held of their value
        ("held", "u1"),  # the tier by which their levels go, one more than `tier`; 0: no episode is open
        ("level_stage", "u1"),  # by which stage their levels go (`models.loyalty.loop.level_stage_in`); 0: by none
        *COLUMNS,  # of those with a touchpoint that counts in the loyalty loop, what the record has of it; the last
    ]
)

_LOOP_OF: Final = np.dtype(
    {
        "names": ["loop"],
        "formats": [f"V{STORED_BYTES}"],
        "offsets": [LANE.itemsize - STORED_BYTES],
        "itemsize": LANE.itemsize,
    }
)

OF_RECORD: Final = (
    "timer",
    "reached",
    "stands",
    "ladder",
    "of_class",
    "runs_until",
    "silence_kept",
    "drawn",
    *FIELDS,
    "held",
    "level_stage",
    *(column[0] for column in COLUMNS),
)
"""Fields of a lane that say what the record's tail says, or hold what lies beside it."""

EFFECT = np.dtype(
    [
        ("lane", "<i8"),
        ("what", "<i8"),
        ("row", "<i8"),
        ("due", "<f8"),
        ("now", "<i8"),
        ("probability", "<f8"),  # of this estimate; of a label: what was predicted
        ("opened", "<i8"),  # when the episode opened; of a label: when its example was observed
        # A touchpoint: it was late; a label: what came; a decision: why, as bits of `Asks`; the end of an episode: a
        # contract runs.
        ("flag", "u1"),
        ("pending_basis", "<u2", BASIS),  # a label's, as stored
        ("basis", "<f4", BASIS),
        # A label's: spent, returned and net, as `models.customer.worth` has them; of a stage: the loyalty index (nan:
        # there is none), and how often the customer spoke well of us, and ill.
        ("money", "<f8", 3),
    ]
)


def lanes_of(
    block: Block, settings: EngineSettings, piece: Piece, policy: PolicyInForce | None = None, values: bool = False
) -> NDArray[Any]:
    """A lane for every row of the block, before its first step. values: it is kept what customers are worth."""
    lanes = np.zeros(len(block.names), dtype=LANE)
    lanes["cursor"] = -1
    lanes["exists"] = block.known
    lanes["cadence_offset"] = (block.hashes >> np.uint64(32)).astype(np.int64)
    lanes["phase"] = phase_of(settings, block.hashes)
    customer = piece.bound[1]
    lanes["before"] = [name < customer for name in block.names] if customer else False
    for name in FIELDS:
        lanes[name] = block.worth[name]
    lanes["tier"], lanes["held"] = block.worth["tier"] & (1 << HELD) - 1, block.worth["tier"] >> HELD
    if policy is None:
        if marked := block.marked(_CLASS) if values else []:
            lanes["of_class"][[row for row, _ in marked]] = [class_number(tail.customer_class) for _, tail in marked]
        lanes["reached"] = np.where(block.rows["band"] == Band.AT_RISK, settings.enter, 0.0)
        return lanes
    contracts = levels_end_with_contract(settings, policy)
    classes = policy.policy.risk.for_classes or policy.by_stage or values
    marked = block.marked(
        _STANDING,
        _POINTS,
        _CLASS if classes else None,
        _CONTRACT if contracts else None,
        _MEMBERSHIP,
        _LOYALTY if policy.by_stage else None,
    )
    if marked:
        # A column at a time: one value of a lane after the other takes four times as long.
        rows = [row for row, _ in marked]
        if classes:
            lanes["of_class"][rows] = [class_number(tail.customer_class) for _, tail in marked]
        standings = [tail.standing for _, tail in marked]
        lanes["stands"][rows] = list(map(bool, standings))
        lanes["timer"][rows], lanes["reached"][rows], kept, lanes["drawn"][rows] = watched_of(standings)
        for n in np.flatnonzero(kept).tolist():  # as of the policy under which they were decided last
            row = rows[n]
            lanes["silence_kept"][row] = silences_kept(policy, standings[n], int(block.times[row, LAST_PURCHASE]))
        for row, tail in [(row, tail) for row, tail in marked if tail.points or tail.membership]:
            lanes["timer"][row] = earlier(int(lanes["timer"][row]), timer_of_loyalty(tail))
        if contracts:
            lanes["runs_until"][rows] = [runs_until(tail.contract) for _, tail in marked]
        if policy.by_stage:
            lanes["level_stage"][rows] = [level_stage_in(tail.loyalty) for _, tail in marked]
    return lanes


def loops_of(lanes: NDArray[Any]) -> NDArray[np.void]:
    """What lanes have of the loyalty loop, as stored: a view of shape (lanes,)."""
    found: NDArray[np.void] = lanes.view(_LOOP_OF)["loop"]
    return found


def timer_of_loyalty(tail: Tail | TailForLanes) -> int:
    """When points, or the membership level, are to be looked at, ms; 0: there is nothing."""
    return earlier(timer_of(tail.points), timer_of(tail.membership))


def earlier(one: int, other: int) -> int:
    """Of two timers the first, ms; 0: there is none."""
    return min(one, other) if one and other else one or other


def read_tail(lanes: NDArray[Any], lane: int, tail: Tail | TailForLanes, contracts: bool) -> None:
    """Let a lane have what compiled code reads of its customer's tail, but for the standing."""
    lanes["of_class"][lane] = class_number(tail.customer_class)
    lanes["runs_until"][lane] = runs_until(tail.contract) if contracts else 0
