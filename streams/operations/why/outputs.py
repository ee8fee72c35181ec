"""What was said of one customer, on the topics of decisions and triggers, and the touchpoint at which something was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from models.outputs import Decision, Position, StopOrder, Trigger, Unsent, Withdrawal
from streams.kafka.topic_reader import Read, TopicReader
from streams.operations.why.index import TopicIndex

_decision = msgspec.json.Decoder(Decision).decode
_trigger = msgspec.json.Decoder(Trigger | Withdrawal | Unsent | StopOrder).decode


class Outputs(NamedTuple):
    """decisions: in the order of the log. triggers: by id. unread: how many are of another release."""

    decisions: list[Decision]
    triggers: dict[str, Trigger]
    unread: int = 0


def outputs_of(
    decisions: TopicIndex, triggers: TopicIndex, partition: int, customer: str, since: int, until: int
) -> Outputs:
    """All that was said of a customer of a partition within a time, from `since` to `until`, log time in ms; what
    became of a trigger also later.

    Raises BrokerUnreachable, BrokerRefused.
    """
    found, said, unread = list[Decision](), dict[str, Trigger](), 0
    for read in decisions.of_customer(partition, customer, since):
        try:
            decision = _decision(read.value)
        except (msgspec.DecodeError, UnicodeDecodeError):
            unread += 1
            continue
        if decision.time >= since and (decision.time <= until or decision.trigger):
            found.append(decision)
    for read in triggers.of_customer(partition, customer, since):
        try:
            output = _trigger(read.value)
        except (msgspec.DecodeError, UnicodeDecodeError):
            unread += 1
            continue
        if isinstance(output, Trigger):
            said[output.id] = output
    return Outputs(found, said, unread)


def of_customer(topic: TopicReader, partition: int, customer: str, since: int) -> Iterator[Read]:
    """The records of a customer in a partition, from the first with this timestamp (ms) or later on.

    Raises BrokerUnreachable, BrokerRefused.
    """
    starts, ends = topic.bounds()
    if partition not in ends:
        return
    first, key = max(starts[partition], topic.first_since(partition, since)), customer.encode()
    for read in topic.up_to(partition, first, ends[partition]):
        if read.key == key:
            yield read


def touchpoint_at(touchpoints: TopicReader, at: Position) -> dict[str, Any] | None:
    """The touchpoint at which something was decided: its type, id and time; None: a timer asked, or it is gone."""
    starts, ends = touchpoints.bounds()
    if at.due or not starts.get(at.partition, 0) <= at.offset < ends.get(at.partition, 0):
        return None
    for read in touchpoints.up_to(at.partition, at.offset, at.offset + 1):
        try:
            told = json.loads(read.value)
        except ValueError:
            return None
        if isinstance(told, dict):
            return {"type": told.get("type"), "id": told.get("id"), "time": told.get("time")}
    return None
