"""The example events, one of every type, and ways to change them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from models.touchpoints import Rejected, Touch, read

FILE = Path(__file__).parents[2] / "examples" / "touchpoints.jsonl"
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


def touch(value: bytes, timestamp: int = NOW) -> Touch:
    outcome = read(value, KEY, timestamp)
    assert isinstance(outcome, Touch), outcome
    return outcome


def rejected(value: bytes | None, timestamp: int = NOW, key: bytes | None = KEY) -> Rejected:
    outcome = read(value, key, timestamp)
    assert isinstance(outcome, Rejected), outcome
    return outcome
