"""Sends a log through the engine in memory with a policy in force from its beginning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from models.customer.record import unpack
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.parts import FORMAT
from models.engine.changes import NumberedOutput
from models.simulation.policy_report import report
from models.simulation.policy_tally import Tally
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from models.touchpoints import Kind, Rejected, event, read
from streams.history.evaluation.run import Prepared
from streams.history.events import ANY_TIME, TimedEvent
from streams.history.replay import SOURCE, logs, tape


class Simulated(NamedTuple):
    """What a policy would have done: its counts, and the report that is made of them. world: the run, with its triggers
    and decisions; None: not kept."""

    tally: Tally
    report: dict[str, Any]
    world: Rehearsal | None = None


def simulate(
    prepared: Prepared,
    policy: PolicyInForce,
    purchases: dict[str, list[int]],
    watch: Callable[[Rehearsal], None] = lambda world: None,
    keeps: bool = False,
) -> Simulated:
    """Rehearse a log under a policy.

    Args:
        prepared: the log.
        policy: in force before the first touchpoint.
        purchases: as of `purchases_of`.
        watch: hears of each model version.
        keeps: keep what was triggered and decided; it may be much.
    """
    config, settings = prepared.config, prepared.settings
    tally = Tally(policy.policy, purchases)

    def counted(output: NumberedOutput) -> bool:
        tally.take(output)
        return keeps and output.role in ("triggers", "decisions")

    partitions = logs(tape(prepared.events, config.partitions, settings), config.partitions)
    beginning = [with_policy(log, policy) for log in partitions]
    world = rehearse(beginning, settings, config.topic("touchpoints"), watch=watch, keep=counted)
    classes = {
        customer.decode(): unpack(customer, record).tail.customer_class
        for shard in world.shards
        for customer, record in shard.records.items()
    }
    return Simulated(tally, report(tally, policy.policy, classes), world if keeps else None)


def with_policy(log: Sequence[LogRecord], policy: PolicyInForce) -> list[LogRecord]:
    """A partition before whose first record a policy comes into force."""
    time = log[0].timestamp
    data = {
        "number": policy.number,
        "format": FORMAT,
        "sha256": policy.sha256,
        "text": policy.text,
        "by": "simulate",
    }
    value = event("policy_chosen", id=f"policy-{policy.number}", source=SOURCE, subject=None, time_ms=time, data=data)
    first = LogRecord(0, time, None, value)
    return [first, *(LogRecord(n, one.timestamp, one.key, one.value) for n, one in enumerate(log, 1))]


def purchases_of(events: Sequence[TimedEvent]) -> dict[str, list[int]]:
    """By customer, the times of their purchases, ms, rising as the log does."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for one in events:
        touch = read(one.value, None, ANY_TIME)
        if not isinstance(touch, Rejected) and touch.kind == Kind.PURCHASE:
            found[one.key.decode()].append(one.time)
    return dict(found)
