"""Keeps where a customer is in the loyalty loop in their record, and says what is new of it."""

from __future__ import annotations

from typing import NamedTuple

from models.churn.definition import SIGNS
from models.customer.moments import whole
from models.customer.tail import Tail
from models.decisions.given import Touched
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rules import rules_of
from models.engine.decide import Row
from models.engine.output_buffer import Emitted, Work
from models.loyalty.experiences import EXPERIENCES, SAYS, VOICES, Mood
from models.loyalty.loop import (
    STAGES,
    index_at,
    looked_at,
    note_sign,
    note_voice,
    pack_loop,
    unpack_loop,
    weigh,
)
from models.loyalty.words import sentiment_of
from models.outputs import LOYALTY, Decision, LoyaltyEntry, output_id
from models.touchpoints.kinds import Kind

_WAYS = list(VOICES)
_COUNTS = frozenset((*EXPERIENCES, *VOICES))
"""Kinds that may change the index, or speak of us."""
_QUESTIONS = frozenset((Kind.LOOKED_AT, Kind.ASKED_MAY, Kind.PREVIEW_ASKED, Kind.SHARED_MOMENT))
"""Nothing that a customer has done: no stage is because of it."""


class Voice(NamedTuple):
    """way: place among `VOICES`."""

    way: int
    mood: Mood


def keep_loyalty(work: Work, policy: PolicyInForce, row: Row, person: Person, touch: Touched | None) -> bool:
    """Let a step that decides change a customer's place in the loop, and say what is new of it; whether they spoke well
    of us.

    Args:
        work: the output buffer.
        policy: in force.
        row: where in the line, about whom.
        person: the customer as after the step; their tail is changed.
        touch: the touchpoint of the step; None: a timer.
    """
    now, tail, loyal = row.now, person.tail, person.loyal_at(row.now)
    if loyal is None:
        tail.loyalty = b""  # of an earlier policy: without its table nothing is kept
        return False
    rules, facts = loyal
    loop, voice, by_words = unpack_loop(tail.loyalty), None, False
    former, sign, slipped = loop.stage, loop.sign, loop.slipped
    kind = 0 if touch is None else touch.kind
    stays = kind in SIGNS[work.settings.alive]
    counts = stays or kind in _COUNTS
    if touch is not None and counts:
        time, sentiment = min(whole(touch.time), now), None
        if kind in SAYS:
            sentiment, by_words = _sentiment(policy, tail, touch)
        felt = EXPERIENCES.get(kind)
        value = felt.of(touch.data, sentiment) if felt is not None else None
        if value is not None:
            weigh(loop, rules, kind, time, value)
        if stays:
            note_sign(loop, facts, rules, time)
        voice = _voice(touch, sentiment) if kind in VOICES else None
        if voice is not None and voice.mood in (Mood.GOOD, Mood.BAD):
            note_voice(loop, voice.way, voice.mood == Mood.GOOD, time)
    stage = looked_at(loop, facts, rules, now)
    if counts or loop.stage != former or loop.sign != sign or loop.slipped != slipped or not tail.loyalty:
        tail.loyalty = pack_loop(loop)
    if loop.stage == former and voice is None:
        return False
    entry = LoyaltyEntry(
        stage,
        STAGES[former - 1] if former else "",
        index_at(loop, rules, now),
        loop.praised,
        loop.blame,
        "" if voice is None else str(voice.mood),
        "" if voice is None else Kind(kind).type,
        by_words and voice is not None,
        "" if touch is None or kind in _QUESTIONS else touch.id,
    )
    emit_loyalty(work, policy.name, row, entry, person.is_test(now))
    return voice is not None and voice.mood == Mood.GOOD


def _sentiment(policy: PolicyInForce, tail: Tail, touch: Touched) -> tuple[float | None, bool]:
    """How what they say was meant, -1 to 1, and whether by its words alone; None: it is not known, or nothing is
    weighed by it."""
    told, text = getattr(touch.data, "sentiment", None), getattr(touch.data, "text", None)
    loyalty = rules_of(policy).loyalty
    if told is not None or not text or loyalty is None or loyalty.words is None:
        return told, False
    found = sentiment_of(text, tail.language, loyalty.words)
    return found, found is not None


def _voice(touch: Touched, sentiment: float | None) -> Voice | None:
    heard = VOICES.get(touch.kind)
    mood = heard(touch.data, sentiment) if heard is not None else None
    return None if mood is None else Voice(_WAYS.index(touch.kind), mood)


def emit_loyalty(work: Work, policy: str, row: Row, entry: LoyaltyEntry, test: bool) -> None:
    """Say what is new of a customer in the loop. policy: in force, by its name. test: they only try things out."""
    at, customer = work.position(row.at), row.customer.decode()
    name = output_id(LOYALTY, customer, row.now, at.offset, at.due, entry.cause)
    decision = Decision(name, LOYALTY, row.now, at, customer, row.probability, policy=policy, test=test, loyalty=entry)
    work.emit(row.at, Emitted("decisions", name, row.customer, decision, row.now))
