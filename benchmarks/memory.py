"""What a customer costs in Redis, in all and in its parts, by differences of `used_memory`.

In all: the server after the history less the same server without any customer, so it holds everything that the engine
keeps. The parts, on a copy that is taken apart: the due set is what deleting it frees, the value what emptying every
value frees, the key what deleting it frees (its name, its entry and its place in the hash table, the header of the
value). What remains belongs to no customer: metas, model versions, the policy. That is some megabytes however many
customers there are: much for each of few, nothing for each of many.

    python -m benchmarks.memory --quick
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from benchmarks.options import parsed, printed
from benchmarks.servers import APP, Servers
from benchmarks.world import HISTORY, World

RECORDS = f"{{{APP}:*}}:c:*"
CHUNK = 2_000
NOISE = 50_000
"""Bytes by which buffers of connections move what is in use."""

Say = Callable[[str], None]


def measure(world: World, say: Say) -> dict[str, Any]:
    facts = world.facts
    total = (facts.warm_bytes - facts.empty_bytes) / facts.customers
    with world.copy(HISTORY) as servers:
        whole = servers.used_memory()
        # The due sets are the only sorted sets.
        for names in _chunks(servers.client.scan_iter(count=10_000, _type="ZSET")):
            servers.client.delete(*names)
        without_dues = servers.used_memory()
        customers, stored = _empty_values(servers)
        without_values = servers.used_memory()
        for names in _chunks(servers.client.scan_iter(match=RECORDS, count=10_000)):
            servers.client.delete(*names)
        without_keys = _shrunk(servers)
    due, value = (whole - without_dues) / customers, (without_dues - without_values) / customers
    key = (without_values - without_keys) / customers
    shared = total - value - due - key
    say(
        f"  {total:.0f} bytes a customer: value {value:.0f}, due set {due:.0f}, key {key:.0f}, and {shared:.0f} as a "
        f"share of {shared * customers / 1e6:.1f} MB that do not depend on the customers"
    )
    return {
        "redis_bytes_per_customer": total,
        "redis_bytes_value": value,
        "redis_bytes_due_set": due,
        "redis_bytes_key": key,
        "redis_bytes_shared": shared,
        "stored_bytes_per_customer": stored / customers,
        "redis_customers": customers,
    }


def _empty_values(servers: Servers) -> tuple[int, int]:
    """Set every record to the empty string; how many there were, and their bytes."""
    customers = stored = 0
    for names in _chunks(servers.client.scan_iter(match=RECORDS, count=10_000)):
        with servers.client.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.strlen(name)
            stored += sum(pipeline.execute())
        servers.client.mset(dict.fromkeys(names, b""))
        customers += len(names)
    return customers, stored


def _shrunk(servers: Servers) -> int:
    """Bytes in use once the table of the keys has shrunk, which Redis does by and by."""
    before, now = servers.used_memory(), servers.used_memory()
    while before - now > NOISE:
        before, now = now, servers.used_memory()
    return now


def _chunks(names: Iterator[bytes]) -> Iterator[list[bytes]]:
    # All names first: a key that is written meanwhile may be met twice.
    every = iter(dict.fromkeys(names))
    while chunk := list(islice(every, CHUNK)):
        yield chunk


def main() -> None:
    options = parsed(__doc__ or "")
    with options.world(print) as world:
        printed(measure(world, print))


if __name__ == "__main__":
    main()
