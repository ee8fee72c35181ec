"""What operators have stopped, read once more from the records of the log."""

from __future__ import annotations

import json
from typing import Any, Final

from models.outputs import Trigger
from streams.operations.audit.breaches import Finding

MENTIONS: Final = (b'"stopped"', b'"resumed"')
"""What the value of such a record has in it."""
_LISTS: Final = ("purposes", "actions", "countries", "kinds")


class Stopped:
    """In one partition: what is stopped at the place that was reached."""

    def __init__(self) -> None:
        self._standing: dict[int, dict[str, Any]] = {}
        self._ended: set[int] = set()

    def arrives(self, value: bytes) -> bool:
        """A record of the log; whether it is an operator's word on stops."""
        try:
            told = json.loads(value)
            what, data = told["type"], told["data"]
            if what == "resumed":
                self._ended.update(map(int, data["stops"]))
            elif what == "stopped":
                self._standing[int(data["number"])] = {name: tuple(data.get(name, ())) for name in _LISTS}
            else:
                return False
        except (ValueError, KeyError, TypeError):
            return False
        return True

    def of_trigger(self, trigger: Trigger, country: str) -> list[Finding]:
        """Whether a trigger was decided while it was stopped, by a policy or by settings. country: of the customer."""
        purpose = trigger.purpose or ("care" if trigger.action == "care" else "marketing")
        number = self.against(purpose, trigger.action, country, trigger.kind)
        if number is None or trigger.test:
            return []
        return [Finding("stopped", f"stop {number} is in force", f"{trigger.action} decided")]

    def against(self, purpose: str, action: str, country: str, kind: str) -> int | None:
        """The number of a stop that stops a trigger; None: nothing does."""
        asked = dict(zip(_LISTS, (purpose, action, country, kind), strict=True))
        for number, selected in self._standing.items():
            if number in self._ended:
                continue
            misses = [name for name in _LISTS if selected[name] and asked[name] not in selected[name]]
            if not misses or (misses == ["countries"] and not country):
                return number
        return None
