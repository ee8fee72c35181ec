"""Keeps where a customer is in the loyalty loop in their record, and says what is new of it."""

from __future__ import annotations

from typing import NamedTuple

from models.churn.definition import SIGNS
from models.customer.moments import whole
from models.decisions.given import Touched
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rules import rules_of
from models.engine.decide import Row
from models.engine.output_buffer import Emitted, Work
from models.loyalty.experiences import EXPERIENCES, SAYS, VOICES, Mood
from models.loyalty.loop import index_at, looked_at, note_sign, note_voice, pack_loop, weigh
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
    """Let a step change a customer's place in the loop, and say what is new of it; whether they spoke well of us.

    Args:
        work: the output buffer.
        policy: in force.
        row: where in the line, about whom.
        person: the customer as after the step; their tail is changed.
        touch: the touchpoint of the step; None: a timer.
    """
    loyal = person.loyal_at(row.now)
    if loyal is None:
        person.tail.loyalty = b""  # of an earlier policy: without its table nothing is kept
        return False
    rules, facts = loyal
    loop, voice, by_words = person.loop, None, False
    former, seen = loop.said, (loop.stage, loop.sign, loop.slipped)
    counts = touch is not None and (touch.kind in _COUNTS or touch.kind in SIGNS[work.settings.alive])
    if touch is not None and counts:
        time, data = min(whole(touch.time), row.now), touch.data
        felt = EXPERIENCES.get(touch.kind)
        sentiment, by_words = _sentiment(policy, person, touch)
        value = felt.of(data, sentiment) if felt is not None else None
        if value is not None:
            weigh(loop, rules, touch.kind, time, value)
        if touch.kind in SIGNS[work.settings.alive]:
            note_sign(loop, facts, rules, time)
        voice = _voice(touch, sentiment)
        if voice is not None and voice.mood in (Mood.GOOD, Mood.BAD):
            note_voice(loop, voice.way, voice.mood == Mood.GOOD, time)
    stage = looked_at(loop, facts, rules, row.now)
    if counts or seen != (loop.stage, loop.sign, loop.slipped) or not person.tail.loyalty:
        person.tail.loyalty = pack_loop(loop)
    if stage != former or voice is not None:
        entry = LoyaltyEntry(
            stage,
            former or "",
            index_at(loop, rules, row.now),
            loop.praised,
            loop.blame,
            "" if voice is None else str(voice.mood),
            "" if voice is None or touch is None else _type(touch),
            by_words and voice is not None,
            "" if touch is None or touch.kind in _QUESTIONS else touch.id,
        )
        _emit(work, policy.name, row, entry, person.is_test(row.now))
    return voice is not None and voice.mood == Mood.GOOD


def _sentiment(policy: PolicyInForce, person: Person, touch: Touched) -> tuple[float | None, bool]:
    """How what they say was meant, -1 to 1, and whether by its words alone; None: it is not known, or nothing is
    weighed by it."""
    if touch.kind not in SAYS:
        return None, False
    told, text = getattr(touch.data, "sentiment", None), getattr(touch.data, "text", None)
    loyalty = rules_of(policy).loyalty
    if told is not None or not text or loyalty is None or loyalty.words is None:
        return told, False
    found = sentiment_of(text, person.tail.language, loyalty.words)
    return found, found is not None


def _voice(touch: Touched, sentiment: float | None) -> Voice | None:
    heard = VOICES.get(touch.kind)
    mood = heard(touch.data, sentiment) if heard is not None else None
    return None if mood is None else Voice(_WAYS.index(touch.kind), mood)


def _type(touch: Touched) -> str:
    return Kind(touch.kind).type


def _emit(work: Work, policy: str, row: Row, entry: LoyaltyEntry, test: bool) -> None:
    at, customer = work.position(row.at), row.customer.decode()
    name = output_id(LOYALTY, customer, row.now, at.offset, at.due, entry.cause)
    decision = Decision(name, LOYALTY, row.now, at, customer, row.probability, policy=policy, test=test, loyalty=entry)
    work.emit(row.at, Emitted("decisions", name, row.customer, decision, row.now))
