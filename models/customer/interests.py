"""What a customer is interested in: decayed counts of the topics of what they bought, looked at, searched and left in
the cart; at most eight."""

from __future__ import annotations

import struct
from typing import Final

from models.customer.moments import second_of, whole
from models.numerics.maths import exp2
from models.settings import DAY, SECOND

MAX_INTERESTS: Final = 8
HALF_LIFE_DAYS: Final = 56.0
LEAST: Final = 0.05
"""A count below this one is forgotten."""
_TIME = struct.Struct("<I")
_COUNT = struct.Struct("<eB")


def pack_interests(time: int, counts: dict[str, float]) -> bytes:
    """As stored: the time as of which they count, ms, and each as float16; the strongest first."""
    if not counts:
        return b""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    parts = [_TIME.pack(second_of(time))]
    for topic, count in ordered:
        name = topic.encode()
        parts += (_COUNT.pack(count, len(name)), name)
    return b"".join(parts)


def unpack_interests(stored: bytes) -> tuple[int, dict[str, float]]:
    """Inverse of `pack_interests`."""
    counts: dict[str, float] = {}
    if not stored:
        return 0, counts
    at = _TIME.size
    while at < len(stored):
        count, length = _COUNT.unpack_from(stored, at)
        at += _COUNT.size
        counts[stored[at : at + length].decode()] = count
        at += length
    return _TIME.unpack_from(stored)[0] * SECOND, counts


def interested(stored: bytes, topic: str, time: int) -> bytes:
    """The interests after a touchpoint of a topic. An older one enters already decayed; when there are eight others,
    the weakest makes room."""
    as_of, counts = unpack_interests(stored)
    second = whole(time)
    topic = topic.encode()[:255].decode(errors="ignore")  # the length is a byte
    newest = max(as_of, second)
    faded = faded_to(counts, newest - as_of)
    weight = _faded(newest - second)
    faded[topic] = min(faded.get(topic, 0.0) + weight, 60_000.0)
    kept = sorted(
        ((name, count) for name, count in faded.items() if count >= LEAST), key=lambda item: (-item[1], item[0])
    )
    if len(kept) > MAX_INTERESTS and topic in (name for name, _ in kept[MAX_INTERESTS:]) and weight >= 1.0:
        # The newest is let in, or nobody ever would be beside eight that are kept alive.
        kept = [*kept[: MAX_INTERESTS - 1], (topic, faded[topic])]
    return pack_interests(newest, dict(kept[:MAX_INTERESTS]))


def faded_to(counts: dict[str, float], ms: int) -> dict[str, float]:
    """What is left of counts after so long."""
    return {name: count * _faded(ms) for name, count in counts.items()}


def _faded(ms: int) -> float:
    return float(exp2(-(ms / DAY) / HALF_LIFE_DAYS))
