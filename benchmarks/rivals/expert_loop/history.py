"""The expert's records after the history, by its own kernel: what its customers are in Redis when the day begins."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.rivals.expert_loop.arguments import MODEL, Batch, Opened
from benchmarks.rivals.expert_loop.columns import columns
from benchmarks.rivals.expert_loop.kernel import RECORD, apply
from benchmarks.workload import Workload

CHUNK = 50_000


def records_after_history(workload: Workload) -> NDArray[Any]:
    """One record a customer, in the order of the workload's keys."""
    number_of = {key.decode(): number for number, key in enumerate(workload.keys)}
    records = np.zeros(workload.customers, RECORD)
    for values, stamps in _chunks(workload):
        read = columns(values, stamps)
        rows = np.fromiter(map(number_of.__getitem__, read.customers), np.int64, len(values))
        opened = Opened(np.empty(len(values), np.int64), np.empty(len(values)))
        apply(records, Batch(rows, *read[2:]), MODEL, opened)
    return records


def _chunks(workload: Workload) -> Iterator[tuple[list[bytes], NDArray[np.int64]]]:
    purchases = (record for record in workload.history() if record.key is not None)
    while chunk := list(islice(purchases, CHUNK)):
        yield [record.value for record in chunk], np.array([record.time for record in chunk])
