"""Clocks: a difference counts when the wait for the answer can't explain it."""

from __future__ import annotations

import pytest

from streams.operations.doctor.clocks import ClockReading, agreement
from streams.operations.doctor.finding import Status


@pytest.mark.parametrize(
    ("theirs", "waited", "status", "words"),
    [
        (100.0, 0.0, Status.OK, "0.000 s behind"),
        (102.0, 0.0, Status.WARNING, "2.000 s ahead of"),
        (98.0, 0.0, Status.WARNING, "2.000 s behind"),
        (103.0, 4.0, Status.OK, "1.000 s ahead of"),
        (500.0, 0.0, Status.PROBLEM, "400.000 s ahead of"),
        (-300.0, 0.0, Status.PROBLEM, "400.000 s behind"),
    ],
)
def test_a_clock_is_judged_by_what_is_certain(theirs: float, waited: float, status: Status, words: str) -> None:
    found = agreement("kafka.clock", "it", ClockReading(theirs, 100.0, 100.0 + waited), "because", 300.0)
    assert (found.status, words in found.text) == (status, True), found
    assert ("because" in found.text) is (status is not Status.OK)
    assert bool(found.remedy) is (status is not Status.OK)
