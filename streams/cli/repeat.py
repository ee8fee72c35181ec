"""`retention why --repeat`: the shard's log is replayed, and what it says of a customer held against the topics."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

from streams.cli.options import echo
from streams.cli.progress import JobWatch
from streams.config import Config
from streams.errors import ExitCode
from streams.kafka.security import kafka_connection
from streams.kafka.topic_reader import TopicReader
from streams.operations.redis_access import store_of
from streams.text import moment

if TYPE_CHECKING:
    from streams.operations.why.repeated import Repeated, Span

SHOWN = 50
"""Differences that are printed; `--json` has all."""


class Repetition(NamedTuple):
    """found: None: nothing could be replayed, and `why_not` says why. record_differs: so does the customer's record."""

    found: Repeated | None
    why_not: str
    next_offset: int
    record_differs: bool
    seconds: float

    @property
    def exit_code(self) -> ExitCode:
        if self.found is None:
            return ExitCode.LOG_TRUNCATED
        return ExitCode.FAILURE if self.found.differences else ExitCode.OK


def repeat(config: Config, customer: str, partition: int, span: Span, history: str | None) -> Repetition:
    """Make what was said of a customer again, from the beginning of the log.

    Raises EngineError: servers do not answer, or what the replay needs is gone.
    """
    from streams.bootstrap.past_log import Given
    from streams.bootstrap.verify import verify  # loads River
    from streams.operations.verify import stored
    from streams.operations.why.repeated import ROLES, compared, public_of
    from streams.outbox.entry import unpack

    async def choose(store: object, partitions: int) -> stored.Chosen:
        return stored.named([customer], partitions)

    async def outbox() -> list[bytes]:
        async with store_of(config) as store:
            return await store.outbox(str(partition))

    watch = _View()
    outcome = verify(config, choose, watch.works, watch.waits, Given(history) if history else None, hears=True)
    verified = outcome.verified
    if why_not := verified.unverified.get(partition, ""):
        return Repetition(None, why_not, 0, False, outcome.seconds)
    # First the outbox: what leaves it meanwhile is public by then.
    waiting = [entry for entry in map(unpack, asyncio.run(outbox())) if entry.key == customer.encode()]
    public, connection = {}, kafka_connection(config)
    with ExitStack() as open_topics:
        for role in ROLES:
            topic = open_topics.enter_context(TopicReader(connection, config.topic(role)))
            unsent = [entry.value for entry in waiting if entry.topic == role]
            public[role] = public_of(topic, partition, customer, span.since, unsent)
    next_offset = verified.positions[partition]
    found = compared(verified.said, public, span, next_offset)
    return Repetition(found, "", next_offset, bool(verified.differences), outcome.seconds)


class _View(JobWatch):
    """Of the shard's offset."""

    def works(self, offsets: Mapping[int, int]) -> None:
        self.shows(f"replayed up to {', '.join(f'{n}: {at:,}' for n, at in offsets.items())}")


def as_data(repetition: Repetition) -> dict[str, Any]:
    """As plain data."""
    found = repetition.found
    compared = {} if found is None else found.compared
    return {
        "decisions": compared.get("decision", 0),
        "triggers": compared.get("trigger", 0),
        "withdrawals": compared.get("withdrawal", 0),
        "differences": [] if found is None else [one._asdict() for one in found.differences],
        "gone": 0 if found is None else found.gone,
        "not_repeated": repetition.why_not or None,
        "record_differs": repetition.record_differs,
        "next_offset": repetition.next_offset,
        "seconds": round(repetition.seconds, 1),
    }


def show(repetition: Repetition, partition: int) -> None:
    """As lines."""
    found = repetition.found
    if found is None:
        echo(f"shard {partition} can not be repeated: {repetition.why_not}", err=True)
        return
    for one in found.differences[:SHOWN]:
        what = f"{one.what} {one.id} of {moment(one.time)}: {one.field}"
        echo(f"{what} is {one.topic!r} on the topic, {one.repeated!r} repeated")
    if (more := len(found.differences) - SHOWN) > 0:
        echo(f"and {more:,} differences more; --json has all")
    counted = ", ".join(
        f"{count:,} {what}{'' if count == 1 else 's'}" for what, count in sorted(found.compared.items())
    )
    differing = len({one.id for one in found.differences})
    told = f"{differing:,} differ" if differing else "repeated to the byte"
    made = (
        f"made again in {repetition.seconds:.1f} s, from the log of shard {partition} before {repetition.next_offset:,}"
    )
    echo(f"{counted or 'nothing'} {made}: {told}")
    if found.gone:
        echo(f"{found.gone:,} more stood where the topics no longer reach back to, and are not compared", err=True)
    if repetition.record_differs:
        echo("warning: the record differs from what the log gives; `retention verify --customers` says where", err=True)
