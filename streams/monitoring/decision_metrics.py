"""What is decided under a policy, as counters: by what came of it, and by what held it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter

from models.decisions.words import BECAME, SENTENCES, WAITS
from models.outputs import TASK

OTHER: Final = "other"
NO_GATE: Final = "none"
WHATS: Final = ("triggered", "control", "left_alone", "held", TASK, "waits", "void", "episode_opened", *BECAME)
"""What came of a moment (the first seven), that an episode opened, and what became of a trigger."""
GATES: Final = (*SENTENCES, *WAITS)
"""What held a moment, or took a trigger back; any other counts as `OTHER`, such as a touchpoint's type."""


class DecisionSeries:
    """The series of one worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._decisions = Counter("retention_decisions", "decided by a policy", ("what", "gate"), registry=registry)
        for what in WHATS:  # shown at 0, so that the first one is an increase
            for gate in GATES if what in ("held", "waits") else (NO_GATE,):
                if what != "withdrawn":
                    self._decisions.labels(what, gate)

    def count(self, decided: Mapping[tuple[str, str], int]) -> None:
        """Count the decisions of a commit, by `models.engine.changes.Changes.decided`."""
        for (what, gate), many in decided.items():
            known = NO_GATE if not gate else gate if gate in GATES else OTHER
            self._decisions.labels(what if what in WHATS else OTHER, known).inc(many)
