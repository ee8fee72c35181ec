"""What a worker's caches take in memory, full, by the number of its shards.

Each shard's record cache and due window are filled by commits, as its owner would, until they hold what they may.
`--fixed` gives each shard as much as it once had, whatever the others have.

    python -m benchmarks.caches --shards 1 --shards 8 --shards 64
"""

from __future__ import annotations

import asyncio
import tracemalloc

import click

from models.customer.layout import SLAB
from streams.config import load
from streams.shard.cache_shares import MOST_DUES, CacheShares
from streams.shard.due_window import MOST_WINDOWS, DueWindow, Item
from streams.shard.record_cache import RecordCache

COMMIT = 500
FORMER_RECORDS = 20_000
MIB = 1024 * 1024


async def _nothing(up_to: float, most: int) -> list[Item]:
    return []


def measured(shards: int, fixed: bool) -> tuple[float, float]:
    """MiB of record caches and of due windows, of so many shards that are as busy as each other."""
    shares = CacheShares(load().cache_records, lambda: shards)

    def records() -> int:
        return FORMER_RECORDS if fixed else shares.records()

    def dues() -> int:
        return MOST_DUES if fixed else shares.dues()

    tracemalloc.start()
    caches = [RecordCache(records) for _ in range(shards)]
    for cache in caches:
        for first in range(0, records() - COMMIT, COMMIT):
            cache.committed({b"customer-%08d" % n: bytes(SLAB.itemsize) for n in range(first, first + COMMIT)})
    of_records, _ = tracemalloc.get_traced_memory()
    windows = [DueWindow(_nothing, dues) for _ in range(shards)]
    for window in windows:
        asyncio.run(window.before(0.0, 1))
        for first in range(0, MOST_WINDOWS * dues() - COMMIT, COMMIT):
            window.committed({b"customer-%08d" % n: 1e13 + n for n in range(first, first + COMMIT)})
    in_all, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return of_records / MIB, (in_all - of_records) / MIB


@click.command()
@click.option("--shards", multiple=True, type=click.IntRange(1), default=(1, 8, 64), show_default=True)
@click.option("--fixed", is_flag=True, help="as much for each shard as it had before the worker was bounded as a whole")
def main(shards: tuple[int, ...], fixed: bool) -> None:
    """Print the memory of a worker's caches, by the number of its shards."""
    for number in shards:
        records, dues = measured(number, fixed)
        click.echo(f"{number:3} shards: records {records:6.1f} MiB, due windows {dues:6.1f} MiB")


if __name__ == "__main__":
    main()
