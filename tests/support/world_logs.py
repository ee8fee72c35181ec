"""Logs for a `World`: the synthetic tape as partitions to be produced, whole or in two parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.settings import DAY, HOUR
from tests.support.logs import START, chosen_policy, tape
from tests.support.world import Raw


def tape_log(
    seed: int, partitions: int = 3, customers: int = 120, days: int = 150, policies: Mapping[int, str] | None = None
) -> list[list[Raw]]:
    """`tests.support.logs.tape` by partition: everything customers do, bad records, a clock record at every weekly
    tick. policies: by the day on which each is applied, in every partition a little later than in the one before."""
    log: list[list[Raw]] = [[] for _ in range(partitions)]
    for entry in tape(seed, partitions, customers, days):
        log[entry.partition].append((entry.key, entry.value, entry.timestamp))
    for number, (day, text) in enumerate((policies or {}).items(), 1):
        for partition, entries in enumerate(log):
            time = START + day * DAY + partition * HOUR
            at = next(n for n, entry in enumerate(entries) if entry[2] > time)
            entries.insert(at, (None, chosen_policy(time, number, text), time))
    return log


def lengths(log: Sequence[Sequence[Raw]]) -> list[int]:
    return [len(partition) for partition in log]


def split(log: Sequence[Sequence[Raw]], share: float) -> tuple[list[list[Raw]], list[list[Raw]]]:
    """Every partition in two: what comes before a share of the log's time has passed, and the rest."""
    first = min(entry[2] for partition in log for entry in partition)
    last = max(entry[2] for partition in log for entry in partition)
    moment = first + share * (last - first)
    before, after = [], []
    for partition in log:
        at = next((n for n, entry in enumerate(partition) if entry[2] > moment), len(partition))
        before.append(list(partition[:at]))
        after.append(list(partition[at:]))
    return before, after
