"""The audit of some partitions: the line of each is walked, and all that was found becomes one report."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Final

from streams.operations.audit.breaches import Report
from streams.operations.audit.ledger import Ledger
from streams.operations.audit.records import Known, Line
from streams.operations.audit.walk import Walk
from streams.operations.audit.withdrawals import Foreign

LATENESS: Final = 3_600_000
NONE_LEAVES: Final = (0, 0)
ABSENT: Final = frozenset(
    {"withdrawal_owed", "no_trigger", "no_outcome", "points_unsaid", "level_unsaid", "loop_unsaid"}
)
"""Rules about what is lacking: it may be on its way."""


def audit(
    lines: Iterable[Line],
    lateness: int = LATENESS,
    since: int = 0,
    grace: int = 0,
    leaves: tuple[int, int] = NONE_LEAVES,
    alive: str = "purchase",
    silence: int = 0,
) -> Report:
    """Check all that was said in these partitions.

    Args:
        lines: the partitions, each from the beginning of its log: what a customer said long ago counts.
        lateness: the engine's setting, ms: a touchpoint older than the log's time by more is late.
        since: what was said before this log time (ms) is read, and not judged.
        grace: what is lacking in the last so many ms of log time may be on its way, and is not told.
        leaves: how long after their last touchpoint records leave the store, and within what time from then on, ms.
        alive: what the engine takes for a sign of staying, as its setting has it.
        silence: after so long without one nobody is estimated, ms; 0: it is not known.
    """
    report, ledger, foreign, until = Report(), Ledger(), Foreign(), inf
    for line in lines:
        walk = Walk(line, report, ledger, foreign, Known(lateness, since, leaves, alive, silence))
        walk.go()
        end = walk.now - grace
        until = min(until, end) if grace else until
        report.breaches += [one for one in walk.breaches if one.rule not in ABSENT or not grace or one.time <= end]
        report.policies += [name for name in walk.in_force.names if name not in report.policies]
        report.notes += walk.in_force.notes
    report.breaches += [*ledger.breaches(since), *foreign.breaches(since, until)]
    report.excess = ledger.excess()
    return report
