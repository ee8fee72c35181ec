"""Compares the servers' clocks with this machine's."""

from __future__ import annotations

from typing import NamedTuple

from streams.operations.doctor.finding import Finding, ok, problem, warning

TOLERATED_S = 1.0
"""What synchronised machines stay far below, and what no decision of the engine notices."""


class ClockReading(NamedTuple):
    """What another clock told between two moments of ours. All in seconds since the epoch."""

    theirs: float
    asked: float
    answered: float

    @property
    def ahead_s(self) -> float:
        """How far their clock is ahead of ours, at the middle of the wait for the answer; negative: behind."""
        return self.theirs - (self.asked + self.answered) / 2

    @property
    def doubt_s(self) -> float:
        """Half the wait: the truth may lie this far on either side."""
        return (self.answered - self.asked) / 2


def agreement(check: str, whose: str, reading: ClockReading, why: str, limit_s: float | None) -> Finding:
    """Whether a server's clock agrees with this machine's.

    Args:
        check: the check's name.
        whose: the server, as text.
        reading: its clock, and ours before and after.
        why: what a difference does.
        limit_s: beyond it the engine stops working; None: it never looks at this clock.
    """
    ahead, doubt = reading.ahead_s, reading.doubt_s
    text = f"{whose} is {abs(ahead):.3f} s {'ahead of' if ahead > 0 else 'behind'} this machine (± {doubt:.3f} s)"
    sure = abs(ahead) - doubt
    remedy = "synchronise the clocks of all machines (chrony, ntpd)"
    if limit_s is not None and sure > limit_s:
        return problem(check, f"{text}: {why}", remedy)
    if sure > TOLERATED_S:
        return warning(check, f"{text}: {why}", remedy)
    return ok(check, text)
