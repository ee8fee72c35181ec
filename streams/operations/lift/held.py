"""When an operator had stopped something, or a policy had frozen it: what is compared of then has fewer messages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rules import rules_of
from models.outputs import RESUMED, STOPPED, Decision

_NUMBER: Final = re.compile(r"\d+")


class Span(NamedTuple):
    """what: stopped or frozen. begins, ends: log time in ms; ends 0: it is still so."""

    what: str
    begins: int
    ends: int


@dataclass(slots=True)
class Held:
    """Of all shards; a stop begins with the first of them, and ends with the last."""

    _stops: dict[int, Span] = field(default_factory=dict)

    def hears(self, decisions: Iterable[Decision]) -> None:
        """What one shard says of stops, in order."""
        ended, begun = dict[int, int](), dict[int, Span]()
        for one in decisions:
            told = one.reason.partition(";")[0]
            if one.what == STOPPED and (named := _NUMBER.search(told)):
                begun[int(named[0])] = Span(told, one.time, 0)
            elif one.what == RESUMED:
                ended.update((int(number), one.time) for number in _NUMBER.findall(told))
        for number, span in begun.items():
            before, ends = self._stops.get(number, span._replace(ends=-1)), ended.get(number, 0)
            latest = 0 if 0 in (before.ends, ends) else max(before.ends, ends)
            self._stops[number] = Span(span.what, min(before.begins, span.begins), latest)

    def spans(self, policies: Iterable[PolicyInForce], first: int, last: int) -> list[Span]:
        """All that overlap the log's time, oldest first. policies: that were in force."""
        found = {*self._stops.values()}
        for policy in policies:
            for row in rules_of(policy).frozen:
                found.add(Span(f"freeze of {', '.join(sorted(row.purposes))}", row.starts, row.ends))
        return sorted((one for one in found if one.begins <= last and (not one.ends or one.ends > first)), key=_order)


def _order(span: Span) -> tuple[int, str, int]:
    return span.begins, span.what, span.ends


def data_of(spans: Iterable[Span]) -> list[dict[str, Any]]:
    """As plain data; `until` is null while it lasts."""
    return [{"what": one.what, "from": one.begins, "until": one.ends or None} for one in spans]
