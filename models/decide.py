"""The decision on one row of the line: what a new estimate of risk changes, and what is said about it.

Plain Python on the few rows that change something; everything that decides about people lives here, in `models.risk`
and in `models.offers`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.churn import Driver, Scorer
from models.customer import EPISODE, REARMED, Record
from models.features import FEATURES
from models.lane import Lane, Step
from models.offers import choose
from models.outputs import Decision, Position, Reason, Trigger, output_id, trigger_id
from models.risk import Change, assess
from models.settings import EngineSettings

DRIVERS = 3

Outcome = tuple[str, bytes, Trigger | Decision, int]
"""(topic role, Kafka key, what is said, expiry or 0)."""


def decide(
    lane: Lane,
    step: Step,
    probability: float | None,
    settings: EngineSettings,
    scorer: Scorer,
    version: int,
    at: Position,
) -> Iterator[Outcome]:
    """Take one row's estimate into the record and say what follows. `probability` None: the row was not scored."""
    record = lane.record
    if record is None:
        return
    customer = lane.customer.decode()

    def told(what: str, reason: str, action: str = "", trigger: str = "") -> Outcome:
        name = output_id(what, customer, step.now, at.offset, at.due)
        decision = Decision(name, what, step.now, at, customer, probability, reason, action, trigger, version)
        return "decisions", lane.customer, decision, 0

    if step.what == "lapse":
        if lane.lapse():
            yield told("episode_closed", "silent for two horizons")
    elif step.what == "erased":
        yield told("erased", "the customer asked to be forgotten")
    elif step.what == "rearmed":
        yield told("rearmed", "the trigger expired before it could be sent")
    if probability is None or step.basis is None:
        return

    change = assess(record, settings, probability, step.now, step.may_open)
    if change == Change.CLOSED:
        yield told("episode_closed", "risk fell below the exit threshold")
        return
    if change == Change.OPENED:
        record.tail.opener = step.touch.id if step.touch else "due"
    again = bool(record.flags & REARMED) and probability >= settings.enter and step.may_open
    if change != Change.OPENED and not again:
        return
    record.flags &= ~REARMED
    choice = choose(record)
    what = "episode_opened" if change == Change.OPENED else "episode_continued"
    if choice.action == "leave_alone":
        yield told(what, choice.reason, choice.action)
        return
    trigger = _trigger(lane, record, step, probability, choice.action, choice.channel, settings, scorer, version, at)
    yield told(what, choice.reason, choice.action, trigger.id)
    yield "triggers", lane.customer, trigger, trigger.expires_at


def _trigger(
    lane: Lane,
    record: Record,
    step: Step,
    probability: float,
    action: str,
    channel: str,
    settings: EngineSettings,
    scorer: Scorer,
    version: int,
    at: Position,
) -> Trigger:
    """The next trigger of the open episode; the record remembers its id."""
    record.tail.step += 1
    opened = int(record.times[EPISODE])
    name = trigger_id(lane.customer, opened, record.tail.opener, record.tail.step)
    record.tail.trigger = bytes.fromhex(name)
    basis = np.array(step.basis, dtype=np.float32)
    return Trigger(
        id=name,
        customer=lane.customer.decode(),
        action=action,
        channel=channel,
        probability=probability,
        drivers=[Reason(d.feature, d.contribution, d.words) for d in told_apart(scorer.drivers(basis, len(FEATURES)))],
        episode=opened,
        step=record.tail.step,
        time=step.now,
        expires_at=step.now + settings.trigger_life,
        model_version=version,
        at=at,
    )


def told_apart(drivers: list[Driver]) -> list[Driver]:
    """The first `DRIVERS` that say different things: several features can mean the same to a reader."""
    words: dict[str, Driver] = {}
    for driver in drivers:
        words.setdefault(driver.words, driver)
    return list(words.values())[:DRIVERS]
