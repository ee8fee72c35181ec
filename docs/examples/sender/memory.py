"""What the sender knows: triggers on their way, and reports that the engine has not got yet; one SQLite file.

A trigger's change of state and the report about it are one transaction, so neither is there without the other, whenever
the process dies.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from models.outputs import encode
from streams.client import StopOrder, Trigger

HELD, SENDING, SENT, DROPPED = "held", "sending", "sent", "dropped"
TABLES = """
CREATE TABLE IF NOT EXISTS triggers (id TEXT PRIMARY KEY, state TEXT, due INTEGER, content BLOB);
CREATE INDEX IF NOT EXISTS due ON triggers (state, due);
CREATE TABLE IF NOT EXISTS reports (id TEXT PRIMARY KEY, type TEXT, subject TEXT, time INTEGER, data TEXT);
"""


class Report(NamedTuple):
    """A touchpoint about a trigger. id: of the fact, so that it counts once however often it is published."""

    id: str
    type: str
    subject: str
    time: int
    data: str


class Memory:
    """Each thread has one of its own on the same file."""

    def __init__(self, path: str | Path) -> None:
        self._db = sqlite3.connect(path, timeout=30)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.executescript(TABLES)

    def close(self) -> None:
        self._db.close()

    def hold(self, trigger: Trigger) -> None:
        """Keep a trigger until it is due. One that is known changes nothing: it may come twice."""
        with self._db:
            row = (trigger.id, HELD, max(trigger.not_before, trigger.time), encode(trigger))
            self._db.execute("INSERT OR IGNORE INTO triggers VALUES (?, ?, ?, ?)", row)

    def due(self, now: int) -> list[Trigger]:
        """What is to be sent by now (ms), the oldest first."""
        rows = self._db.execute(
            "SELECT content FROM triggers WHERE state = ? AND due <= ? ORDER BY due LIMIT 100", (HELD, now)
        )
        return [_trigger(content) for (content,) in rows.fetchall()]

    def begin(self, trigger: Trigger) -> bool:
        """Before a message leaves. False: it was dropped meanwhile."""
        with self._db:
            return self._moved(trigger.id, HELD, SENDING)

    def end(self, trigger: Trigger, *what: str, **more: str) -> None:
        """The message has left, or can't: say so by touchpoints of these types."""
        with self._db:
            self._moved(trigger.id, SENDING, SENT)
            for one in what:
                self._report(trigger, one, more)

    def again(self, trigger: Trigger, at: int) -> None:
        """The message has not left; it is due once more at this time (ms)."""
        with self._db:
            self._db.execute("UPDATE triggers SET state = ?, due = ? WHERE id = ?", (HELD, at, trigger.id))

    def drop(self, trigger_id: str, what: str) -> bool:
        """Send it no more, and say so; False: it is not held."""
        with self._db:
            trigger = self.find(trigger_id)
            if trigger is None or not self._moved(trigger_id, HELD, DROPPED):
                return False
            self._report(trigger, what, {})
            return True

    def stop(self, order: StopOrder) -> int:
        """Drop what an operator's order fits; how many."""
        rows = self._db.execute("SELECT content FROM triggers WHERE state = ?", (HELD,)).fetchall()
        fitting = [trigger for (content,) in rows if _fits(order, trigger := _trigger(content))]
        return sum(self.drop(trigger.id, "offer_withdrawn") for trigger in fitting)

    def tell(self, trigger: Trigger, what: str, **more: str) -> None:
        """Report something of a trigger: `offer_opened`, ..."""
        with self._db:
            self._report(trigger, what, more)

    def find(self, trigger_id: str) -> Trigger | None:
        row = self._db.execute("SELECT content FROM triggers WHERE id = ?", (trigger_id,)).fetchone()
        return None if row is None else _trigger(row[0])

    def unsure(self) -> list[str]:
        """What was on its way out when the process died: it may have left or not, and is not sent again."""
        return [id for (id,) in self._db.execute("SELECT id FROM triggers WHERE state = ?", (SENDING,))]

    def reports(self) -> Iterator[Report]:
        """What the engine has not got yet."""
        yield from map(Report._make, self._db.execute("SELECT * FROM reports ORDER BY time LIMIT 1000").fetchall())

    def reported(self, id: str) -> None:
        with self._db:
            self._db.execute("DELETE FROM reports WHERE id = ?", (id,))

    def _moved(self, id: str, before: str, after: str) -> bool:
        update = "UPDATE triggers SET state = ? WHERE id = ? AND state = ?"
        return self._db.execute(update, (after, id, before)).rowcount == 1

    def _report(self, trigger: Trigger, what: str, more: dict[str, str]) -> None:
        data = msgspec.json.encode({"trigger_id": trigger.id, "channel": trigger.channel, **more}).decode()
        row = Report(f"{trigger.id}:{what}", what, trigger.customer, time.time_ns() // 1_000_000, data)
        self._db.execute("INSERT OR IGNORE INTO reports VALUES (?, ?, ?, ?, ?)", row)


def _trigger(content: bytes) -> Trigger:
    return msgspec.json.decode(content, type=Trigger)


def _fits(order: StopOrder, trigger: Trigger) -> bool:
    """All that the order names must fit. Without a policy a trigger says no purpose: all but care is marketing."""
    purpose = trigger.purpose or ("care" if trigger.action == "care" else "marketing")
    return (
        (not order.purposes or purpose in order.purposes)
        and (not order.actions or trigger.action in order.actions)
        and (not order.countries or not trigger.country or trigger.country in order.countries)
        and (not order.kinds or trigger.kind in order.kinds)
    )
