"""Worlds in live mode: weeks of a few seconds, single touchpoints, and how to bring one to a standstill."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from models.outputs import StopOrder, Trigger, Unsent, Withdrawal
from models.timeline.partitioning import partition_of
from models.touchpoints import event
from tests.support.world import Raw, World

LIVE: dict[str, Any] = {
    "mode": "live",
    "tick_phase": "spread",
    "tick_days": 4 / 86_400,
    "version_every_s": 2,
    "horizon_days": 20 / 86_400,
    "lateness_s": 1,
    "enter": 0.5,
    "exit": 0.4,
    "clock_every_s": 0.5,
}
"""Weeks of four seconds; the untrained model says exactly 0.5."""


def send(world: World, customer: str, value: bytes, timestamp: int) -> None:
    """One touchpoint, with the producer's own timestamp."""
    log: list[list[Raw]] = [[] for _ in range(world.config.partitions)]
    log[partition_of(customer, world.config.partitions)].append((customer.encode(), value, timestamp))
    world.produce(log)


def shopping(world: World, customers: int, back_s: int = 6) -> None:
    """A purchase of each of so many customers, some seconds ago: who then stays silent is at risk at their tick."""
    now = int(time.time() * 1000)
    log: list[list[Raw]] = [[] for _ in range(world.config.partitions)]
    for n in range(customers):
        name = f"buyer-{n:03d}"
        value = event(
            "purchase",
            id=f"{name}-{now}",
            source="urn:example:shop",
            subject=name,
            time_ms=now - back_s * 1000 + n,
            data={"amount": 20 + n},
        )
        log[partition_of(name, world.config.partitions)].append((name.encode(), value, now))
    world.produce(log)


def triggers(world: World) -> dict[bytes, list[Trigger]]:
    """The triggers on the topic, by customer."""
    found: dict[bytes, list[Trigger]] = {}
    for partition in world.read("triggers")["triggers"]:
        for record in partition:
            said = msgspec.json.decode(record.value, type=Trigger | Withdrawal | Unsent | StopOrder)
            if isinstance(said, Trigger):
                found.setdefault(record.key, []).append(said)
    return found


def stand_still(world: World) -> None:
    """End the clocks, and let a worker that writes none bring everything to where it can go no further."""
    world.end()
    worker = world.worker(RETENTION_CLOCK_EVERY_S="3600")
    world.wait(lambda: world.owned(worker) > 0)
    while True:
        world.rest(lambda: (world.commits(), world.outboxes()))
        ends = [log[-1].offset + 1 if log else 0 for log in world.logs()]
        if world.done(ends):
            break
        world.wait(lambda ends=ends: world.done(ends))  # type: ignore[misc]  # a lambda's default
    world.end()
