"""The loyalty loop: at which stage of it a customer is, and the index of what of late made them stay or leave.

The index is the sum of what their experiences weigh, each half as much after every half-life, between -100 and 100. A
loss weighs more than a gain of its size (`losses`): about twice as much by Kahneman & Tversky 1979, 2.25 times by the
median of Tversky & Kahneman 1992; that bad is stronger than good in what people live through with others, Baumeister et
al. 2001. It is kept and told in ten thousandths, so that one that fades comes to zero.
"""

from __future__ import annotations

import struct
from typing import Final, Literal, NamedTuple

import msgspec

from models.customer.moments import second_of
from models.numerics.maths import exp2
from models.settings import SECOND

Stage = Literal["prospect", "new", "active", "advocate", "slipping", "lapsed", "won_back"]
STAGES: Final[tuple[Stage, ...]] = ("prospect", "new", "active", "advocate", "slipping", "lapsed", "won_back")
"""By their number in the record, less one: never renumber."""
LEVEL_STAGES: Final[tuple[Stage, ...]] = ("new", "active", "advocate", "won_back")
"""By which levels of risk may go: those of whom the risk is estimated, as it was before they slip."""
_NUMBERS: Final = {stage: number for number, stage in enumerate(STAGES, start=1)}
SLIPPED: Final = (_NUMBERS["slipping"], _NUMBERS["lapsed"])
STAGE_BITS, STAGE_MASK = 4, 15
"""Of the byte that has the stage, and above it the one before."""
MOST: Final = 100.0
"""The index is between this and its negative."""
PARTS: Final = 10_000
MOST_COUNTED: Final = 2**16 - 1
VOICED: Final = 5
"""Ways to speak well of us that are counted one by one (`models.loyalty.experiences.VOICES`)."""
_STORED = struct.Struct("<iIIIIIB6H")
COLUMNS: Final = (
    ("loop_index", "<i4"),
    ("loop_at", "<u4"),
    ("loop_sign", "<u4"),
    ("loop_back", "<u4"),
    ("loop_spoke", "<u4"),
    ("loop_slipped", "<u4"),
    ("loop_stage", "u1"),
    ("loop_praise", "<u2", VOICED),
    ("loop_blame", "<u2"),
)
"""The same as fields of a NumPy record, in the order in which they are stored; times are seconds."""
STORED_BYTES: Final = _STORED.size
_STAGE_AT = struct.calcsize("<iIIIII")


def _level_stage(byte: int) -> int:
    number = byte >> STAGE_BITS if byte & STAGE_MASK in SLIPPED else byte & STAGE_MASK
    stage = STAGES[number - 1] if 0 < number <= len(STAGES) else None
    return LEVEL_STAGES.index(stage) + 1 if stage in LEVEL_STAGES else 0


LEVEL_STAGE: Final = bytes(map(_level_stage, range(256)))
"""By what that byte says, the place among `LEVEL_STAGES` by which levels of risk go, and one more; 0: by none."""


class Loop(msgspec.Struct, gc=False):
    """What the record has of it. Times are ms, whole seconds, 0: never.

    index: as of `at`, in `PARTS`; without `at` nothing was weighed. sign: the last sign of staying that was seen. back:
    when they were won back last. spoke: when they spoke well of us last. stage: that was said last, by its number; 0:
    none. slipped: since when they were seen slipping or lapsed, and have not bought. praise: how often they spoke well
    of us, by the way; blame: how often they spoke ill. before: the stage before they slipped or lapsed, by its number;
    0: they have not, or it is not known.
    """

    index: int = 0
    at: int = 0
    sign: int = 0
    back: int = 0
    spoke: int = 0
    slipped: int = 0
    stage: int = 0
    praise: list[int] = msgspec.field(default_factory=lambda: [0] * VOICED)
    blame: int = 0
    before: int = 0

    @property
    def praised(self) -> int:
        """How often they spoke well of us."""
        return sum(self.praise)

    @property
    def said(self) -> Stage | None:
        """The stage that was said last."""
        return STAGES[self.stage - 1] if self.stage else None


class LoopRules(NamedTuple):
    """Of a policy. half_life, lapses_after (0: two horizons), won_back_for, advocate_for: ms. weights: by kind.
    keeps_before: levels of risk go by the stage, so that `Loop.before` is kept."""

    half_life: int
    losses: float
    weights: dict[int, float]
    active_from: int
    advocate_from: int
    advocate_for: int
    lapses_after: int
    won_back_for: int
    keeps_before: bool = False


class Facts(NamedTuple):
    """What else of the record decides. days: with a sign of staying. last_sign: ms. left: the contract has ended.
    at_risk: an episode is open. silence: after so long without a sign nobody is estimated, ms."""

    days: int
    last_sign: int
    left: bool
    at_risk: bool
    silence: int


def stage_of(loop: Loop, facts: Facts, rules: LoopRules, now: int) -> Stage:
    """At which stage a customer is at `now`, ms. The first that fits counts."""
    if not facts.last_sign:
        return "prospect"
    if facts.left or now - facts.last_sign > (rules.lapses_after or facts.silence):
        return "lapsed"
    if facts.at_risk:
        return "slipping"
    if loop.back and now < loop.back + rules.won_back_for:
        return "won_back"
    if _advocates(loop, rules, now):
        return "advocate"
    return "new" if facts.days < rules.active_from else "active"


def _advocates(loop: Loop, rules: LoopRules, now: int) -> bool:
    often = loop.praised >= rules.advocate_from
    return often and now < loop.spoke + rules.advocate_for and (index_at(loop, rules, now) or 0.0) >= 0.0


def index_at(loop: Loop, rules: LoopRules, now: int) -> float | None:
    """The index at `now`, ms, in whole ten thousandths; None: nothing was weighed yet."""
    if not loop.at:
        return None
    return round(loop.index * _fades(max(now - loop.at, 0), rules)) / PARTS


def weighed(rules: LoopRules, kind: int, value: float) -> float:
    """What an experience of a kind weighs that was so good, -1 to 1."""
    weight = rules.weights.get(kind, 0.0) * value
    return weight * rules.losses if weight < 0.0 else weight


def weigh(loop: Loop, rules: LoopRules, kind: int, time: int, value: float) -> float:
    """Let an experience count; what it weighed when it was.

    Args:
        loop: changed.
        rules: of the policy in force.
        kind: of the touchpoint.
        time: of it, ms; one that comes late counts as what is left of it.
        value: what it was, -1 to 1.
    """
    weight = weighed(rules, kind, value)
    if not weight:
        return 0.0
    index = loop.index / PARTS
    if time >= loop.at:
        index = index * _fades(time - loop.at, rules) + weight if loop.at else weight
        loop.at = time
    else:
        index += weight * _fades(loop.at - time, rules)
    loop.index = round(min(max(index, -MOST), MOST) * PARTS)
    return weight


def note_sign(loop: Loop, facts: Facts, rules: LoopRules, time: int) -> None:
    """A sign of staying at `time`, ms: whoever had slipped or lapsed by then is won back. One from before they were
    seen slipping, told late, says that they had not."""
    if time < loop.sign:
        return
    silent = loop.sign and time - loop.sign > (rules.lapses_after or facts.silence)
    if silent or 0 < loop.slipped <= time:
        loop.back = time
    loop.slipped = 0


def note_voice(loop: Loop, way: int, good: bool, time: int) -> None:
    """They spoke of us where others hear it. way: of `VOICED`. time: ms."""
    if good:
        loop.praise[way] = min(loop.praise[way] + 1, MOST_COUNTED)
        loop.spoke = max(loop.spoke, time)
    else:
        loop.blame = min(loop.blame + 1, MOST_COUNTED)


def looked_at(loop: Loop, facts: Facts, rules: LoopRules, now: int) -> Stage:
    """At which stage the customer is now, ms, which is kept."""
    sign = facts.last_sign // SECOND * SECOND
    if sign > loop.sign:
        loop.sign = sign
    stage = stage_of(loop, facts, rules, now)
    if not loop.slipped and stage in ("slipping", "lapsed"):
        loop.slipped = now // SECOND * SECOND
    former, loop.stage = loop.stage, _NUMBERS[stage]
    if not rules.keeps_before or loop.stage not in SLIPPED:
        loop.before = 0
    elif former not in SLIPPED:
        loop.before = former
    return stage


def pack_loop(loop: Loop) -> bytes:
    """As stored."""
    times = map(second_of, (loop.at, loop.sign, loop.back, loop.spoke, loop.slipped))
    return _STORED.pack(loop.index, *times, loop.stage | loop.before << STAGE_BITS, *loop.praise, loop.blame)


def stage_in(stored: bytes) -> int:
    """The number of the stage that was said last, without unpacking the rest; 0: none."""
    return stored[_STAGE_AT] & STAGE_MASK if stored else 0


def level_stage_in(stored: bytes) -> int:
    """By which stage levels of risk go, its place among `LEVEL_STAGES` and one more; 0: by none. Of whoever has slipped
    or lapsed it is the one before: they would go by other levels for that alone."""
    return LEVEL_STAGE[stored[_STAGE_AT]] if stored else 0


def level_stage_named(number: int) -> Stage | None:
    """By that number; None: they go by none."""
    return LEVEL_STAGES[number - 1] if number else None


def unpack_loop(stored: bytes) -> Loop:
    """Inverse of `pack_loop`; of nothing, what it is before anything was seen."""
    if not stored:
        return Loop()
    index, at, sign, back, spoke, slipped, stage, *praise, blame = _STORED.unpack(stored)
    times = (at * SECOND, sign * SECOND, back * SECOND, spoke * SECOND, slipped * SECOND)
    return Loop(index, *times, stage & STAGE_MASK, praise, blame, stage >> STAGE_BITS)


def _fades(time: int, rules: LoopRules) -> float:
    """What is left of 1 after a time, ms."""
    return float(exp2(-time / rules.half_life))
