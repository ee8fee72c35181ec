"""What a policy decided, counted from the decisions topic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from models.outputs import Decision
from streams.text import as_words

WIDTH = 16
"""Of what a line of the closing is about."""


_decode = msgspec.json.Decoder(Decision).decode


class Decided:
    """Counts of decisions.

    sent: triggers, by action and what asked (the level of a risk moment, else the moment). alone: left alone by the
    draw, by why. ended: held for good, by gate. waits: begun, by gate. control: of the control group, by what would
    have been done. taken_back: withdrawals, by reason. stages: of the loyalty loop, by customer, as was said last.
    """

    def __init__(self) -> None:
        self.sent: Counter[tuple[str, str]] = Counter()
        self.alone: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.waits: Counter[str] = Counter()
        self.control: Counter[str] = Counter()
        self.taken_back: Counter[str] = Counter()
        self.stages: dict[str, str] = {}

    def add(self, values: Iterable[bytes]) -> None:
        """Count records of the decisions topic; what is not of a policy is passed over."""
        for value in values:
            said = _decode(value)
            if said.what == "waits":
                self.waits[said.gate] += 1
            elif said.what == "withdrawn":
                self.taken_back[said.reason] += 1
            elif said.loyalty is not None:
                self.stages[said.customer] = said.loyalty.stage
            elif said.what == "decided":
                self._answered(said)

    def _answered(self, said: Decision) -> None:
        if said.trigger:
            self.sent[said.action, said.level or said.moment] += 1
        elif said.gate:
            self.ended[said.gate] += 1
        elif said.control:
            self.control[said.action] += 1
        else:
            self.alone[said.reason or "the draw"] += 1

    def lines(self) -> list[str]:
        """The closing: each kind of answer with its parts, the most first."""
        by_action: dict[str, Counter[str]] = {}
        for (action, asked), number in self.sent.items():
            by_action.setdefault(action, Counter())[asked] += number
        found = [
            _line(as_words(action), counts)
            for action, counts in sorted(by_action.items(), key=lambda item: -item[1].total())
        ]
        others = [
            ("left alone", self.alone),
            ("held", self.ended),
            ("waits", self.waits),
            ("control", self.control),
            ("taken back", self.taken_back),
            ("loyalty loop", Counter(self.stages.values())),
        ]
        return found + [_line(name, counts) for name, counts in others if counts]


def _line(name: str, counts: Mapping[str, int]) -> str:
    parts = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    told = "  ".join(f"{as_words(part)} {number:,}" for part, number in parts)
    return f"  {name:<{WIDTH}} {sum(counts.values()):>7,}: {told}"
