"""The lift of the demo: its own decisions, and a made-up response, since nobody in a replayed log had a message.

The response is in no topic. It is laid beside what the topics hold when they are read for the table, so that the table
is made as `retention lift` makes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

from xxhash import xxh3_64_intdigest

from models.outputs import Trigger
from models.settings import DAY
from models.touchpoints import event
from streams.config import Config
from streams.operations.audit.files import lines_of
from streams.operations.audit.records import Arrival, Line, Unread
from streams.operations.lift import LiftReport, Terms, read_all, report_of

ONE_IN: Final = 8
"""Triggers of which one brings its customer back who would have stayed away."""
WITHIN: Final = 10
"""Days after the trigger."""
AMOUNT: Final = 25.0
LABEL: Final = (
    f"simulated response: nobody in this log had a message, so of {ONE_IN} triggers one is taken to have led to a "
    f"purchase of {AMOUNT:g} within {WITHIN} days; `retention lift` tells of real ones"
)


def simulated_lift(config: Config) -> LiftReport:
    """Of the topics of an application as they stand, with the made-up response."""
    terms = Terms()
    with ExitStack() as open_topics:
        found = read_all(map(answered, lines_of(config, None, open_topics)), terms)
    return report_of(found, terms, "action")


def answered(line: Line) -> Line:
    """A partition with what its triggers are taken to have led to."""
    triggers = list(line.triggers)

    def touchpoints() -> Iterator[Arrival]:
        last = 0
        for arrival in line.touchpoints:
            last = max(last, arrival.timestamp)
            yield arrival
        for one in Unread().triggers(triggers):
            if isinstance(one, Trigger) and (made := _response(one)) is not None and made.timestamp <= last:
                yield made

    return Line(line.partition, touchpoints(), triggers, line.decisions)


def _response(trigger: Trigger) -> Arrival | None:
    number = xxh3_64_intdigest(trigger.id.encode())
    if number % ONE_IN:
        return None
    key, time = trigger.customer.encode(), trigger.time + (1 + number // ONE_IN % WITHIN) * DAY
    named = {"id": f"made-up-{trigger.id}", "source": "urn:demo", "subject": trigger.customer}
    value = event("purchase", **named, time_ms=time, data={"amount": AMOUNT})
    return Arrival(0, time, key, value)
