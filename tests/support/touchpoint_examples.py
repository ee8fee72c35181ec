"""The example events, one of every type, ways to change them, and what is read of them.

Everything that is read here is read twice: record by record and as columns, which must agree.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from models.touchpoints import Record, Rejected, Touch, read
from models.touchpoints.columns import read_columns

FILE = Path(__file__).parents[1] / "examples" / "touchpoints.jsonl"
LINES: dict[str, bytes] = {json.loads(line)["type"]: line for line in FILE.read_bytes().splitlines()}
NOW = 1_715_000_000_000  # 2024-05-06T12:53:20Z, after every example
KEY = b"c-004711"
ABSENT: Any = object()


def changed(type_name: str, path: str, value: Any) -> bytes:
    """The example of this type with one field set, or taken out when the value is ABSENT."""
    event = json.loads(LINES[type_name])
    *parents, last = path.split(".")
    inner = event
    for parent in parents:
        inner = inner[parent]
    if value is ABSENT:
        inner.pop(last, None)
    else:
        inner[last] = value
    return json.dumps(event).encode()


def outcomes(batch: Sequence[Record]) -> list[Touch | Rejected]:
    """What `read` makes of each record, after making sure that `read_columns` makes the same of the batch."""
    expected = [read(*record) for record in batch]
    values, keys, timestamps = zip(*batch, strict=True) if batch else ((), (), ())
    columns = read_columns(values, keys, np.array(timestamps, np.int64))
    arrays = (columns.kinds, columns.times, columns.skewed, columns.hashes, columns.a, columns.b, columns.sentiment)
    assert all(array.shape == (len(batch),) and array.flags.c_contiguous for array in arrays)
    rows = zip(*(array.tolist() for array in arrays), columns.customers, strict=True)
    for row, (outcome, numbers) in enumerate(zip(expected, rows, strict=True)):
        if isinstance(outcome, Rejected):
            assert columns.contents[row] == outcome
            assert repr(numbers) == repr((0, 0, False, 0, 0.0, 0.0, math.nan, b""))
        else:
            assert repr(columns.touch(row)) == repr(outcome)
            _, time, skewed, _, id_hash, customer, a, b, sentiment, _ = msgspec.structs.astuple(outcome)
            assert repr(numbers) == repr((int(outcome.kind), time, skewed, id_hash, a, b, sentiment, customer.encode()))
    return expected


def touch(value: bytes, timestamp: int = NOW) -> Touch:
    (outcome,) = outcomes([(value, KEY, timestamp)])
    assert isinstance(outcome, Touch), outcome
    return outcome


def rejected(value: bytes | None, timestamp: int = NOW, key: bytes | None = KEY) -> Rejected:
    (outcome,) = outcomes([(value, key, timestamp)])
    assert isinstance(outcome, Rejected), outcome
    return outcome
