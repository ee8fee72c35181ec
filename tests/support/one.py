"""The compiled rules on one open record: what tests of a single customer call."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np

from models import features
from models.churn.definition import SIGNS
from models.customer.layout import BASIS, SLAB, VERSION
from models.customer.record import Record, hash_of, unpack
from models.customer.schedule import phase_of
from models.decisions import episodes
from models.engine.compiled_rules import rules_of
from models.settings import EngineSettings
from models.touchpoints import Kind, Touch


def _on(record: Record, rule: Callable[[Any], Any]) -> Any:
    """Let a compiled rule change the record."""
    rows = np.frombuffer(bytearray(record.whole()[: SLAB.itemsize]), dtype=SLAB)
    rows["tail_length"] = 0
    outcome = rule(rows[0])
    rows["version"] = VERSION
    names = [name for name in Record.__slots__ if name not in ("tail", "check")]
    fresh = Record(b"")
    rows["check"] = fresh.check
    back = unpack(b"", rows.tobytes())
    for name in names:
        setattr(record, name, getattr(back, name))
    return outcome


def update(record: Record, touch: Touch, settings: EngineSettings, late: bool, customer: bytes = b"c") -> None:
    alive = Kind(touch.kind) in SIGNS[settings.alive]
    numbers = (touch.kind, touch.time, touch.a, touch.b, touch.sentiment, late, alive)
    phase = phase_of(settings, hash_of(customer))
    _on(record, lambda row: features.update(row, *numbers, phase, rules_of(settings)))


def basis_of(record: Record, now: int) -> array[float]:
    basis = np.zeros(BASIS, dtype=np.float32)
    before = record.pack()
    _on(record, lambda row: features.basis_of(row, now, basis))
    assert record.pack() == before, "a basis must not change the record"
    return array("f", basis.tobytes())


def assess(record: Record, settings: EngineSettings, probability: float, now: int, may_open: bool) -> episodes.Change:
    found = _on(record, lambda row: episodes.assess(row, settings.enter, settings.exit, probability, now, may_open))
    if found == episodes.Change.CLOSED:
        episodes.forget_episode(record.tail)
    return episodes.Change(found)


def close(record: Record, band: episodes.Band) -> None:
    _on(record, lambda row: episodes.close(row, int(band)))
    episodes.forget_episode(record.tail)
