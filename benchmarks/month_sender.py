"""The sender of the synthetic month: it hears of triggers, reports on them, and drops what an operator stops."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple

import msgspec

from models.outputs import StopOrder, Trigger, Unsent, Withdrawal
from models.timeline.stop_types import Stop
from models.touchpoints import event
from streams.config import Config
from streams.history.replay import TapeRecord
from streams.kafka.security import KafkaConnection
from streams.kafka.topic_reader import TopicReader
from tests.support.replies import Told, reports

ARRIVES: Final = ("offer_delivered", "offer_withdrawn", "offer_failed", "expired_unsent")
"""Reports of which one tells what became of a trigger."""
_said: Final = msgspec.json.Decoder(Trigger | Withdrawal | StopOrder | Unsent)


class Held(NamedTuple):
    """A trigger that the sender has, and what it will report."""

    trigger: Trigger
    partition: int
    told: Told


class Order(NamedTuple):
    """To drop what it holds. at: when it was written, ms. stop: what it is of."""

    partition: int
    at: int
    stop: Stop


class Sender:
    """Reads the triggers that are new, and reports on them later."""

    def __init__(self, connection: KafkaConnection, config: Config) -> None:
        self._topic = (connection, config.topic("triggers"))
        self._read: dict[int, int] = {}
        self._held: list[Held] = []
        self.orders: list[Order] = []
        self.reported = self.dropped = 0

    def hear(self) -> None:
        """Read what was said since the last time."""
        with TopicReader(*self._topic) as topic:
            starts, ends = topic.bounds()
            for partition, end in ends.items():
                for read in topic.up_to(partition, self._read.get(partition, starts[partition]), end):
                    said = _said.decode(read.value)
                    if isinstance(said, Trigger) and said.policy:
                        self._held.append(Held(said, partition, reports(said, Random(said.id))))
                    elif isinstance(said, StopOrder):
                        of = Stop(said.number, said.purposes, said.actions, said.countries, said.kinds)
                        self.orders.append(Order(partition, read.timestamp, of))
                self._read[partition] = end

    def holds(self, now: int) -> list[Trigger]:
        """What has not gone out at a moment of the log, and may still."""
        return [one.trigger for one in self._held if one.trigger.expires_at > now and one.told and one.told[0][0] > now]

    def out(self, now: int) -> list[Trigger]:
        """What may not have arrived at a moment of the log."""
        return [
            one.trigger
            for one in self._held
            if one.trigger.expires_at > now and any(kind in ARRIVES for _, kind, _ in one.told)
        ]

    def obey(self, now: int) -> None:
        """Drop what the orders take away, and report it as withdrawn. now: of the log, ms."""
        held = {one.id for one in self.holds(now)}
        for place, one in enumerate(self._held):
            said = one.trigger
            fits = any(order.stop.fits(said.purpose, said.action, "", said.kind) for order in self.orders)
            if fits and said.id in held:
                of = {"trigger_id": said.id, "channel": said.channel}
                self._held[place] = one._replace(told=[(now, "offer_withdrawn", of)])
                self.dropped += 1

    def until(self, begins: int, ends: int) -> list[TapeRecord]:
        """The reports before a moment. Those of before `begins`, which is published already, come a little late."""
        found = [record for one in self._held for record in self._records(one, begins, ends)]
        self._held = [one._replace(told=[told for told in one.told if told[0] >= ends]) for one in self._held]
        self._held = [one for one in self._held if one.told]
        self.reported += len(found)
        return found

    def _records(self, held: Held, begins: int, ends: int) -> Iterator[TapeRecord]:
        customer = held.trigger.customer
        for at, kind, data in held.told:
            if at < ends:
                name = f"{held.trigger.id}-{kind}-{at}"
                value = event(kind, id=name, source="urn:example:sender", subject=customer, time_ms=at, data=data)
                yield TapeRecord(held.partition, max(at, begins + 1), customer.encode(), value)
