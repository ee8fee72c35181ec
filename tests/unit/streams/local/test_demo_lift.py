"""The made-up response of the demo's lift table: to some triggers, the same each time, and never past the log's end."""

from __future__ import annotations

from models.outputs import Position, Trigger, encode
from models.settings import DAY
from models.touchpoints import Rejected, read
from streams.local.demo_lift import AMOUNT, LABEL, ONE_IN, WITHIN, answered
from streams.operations.audit.records import Arrival, Line

FIRST = 852_076_800_000  # 1997-01-01
LAST = FIRST + 400 * DAY


def trigger(number: int, time: int) -> Trigger:
    at = Position(0, 0, due=True)
    return Trigger(f"{number:032x}", f"c{number}", "useful", "email", 0.6, [], 0, 0, time, time + DAY, 0, at)


def test_some_triggers_lead_to_a_purchase_soon_after_and_the_same_ones_each_time() -> None:
    log = [Arrival(0, FIRST, b"c0", b"{}"), Arrival(1, LAST, None, b"{}")]
    sent = [encode(trigger(n, FIRST)) for n in range(800)] + [encode(trigger(n + 800, LAST)) for n in range(80)]
    made, again = ([*answered(Line(0, log, list(sent), [])).touchpoints] for _ in range(2))
    assert made == again
    assert made[:2] == log
    bought = [read(one.value or b"", one.key, one.timestamp) for one in made[2:]]
    assert 60 < len(bought) < 140
    assert abs(len(bought) - 800 / ONE_IN) < 40
    for one in bought:
        assert not isinstance(one, Rejected)
        assert FIRST + DAY <= one.time <= FIRST + WITHIN * DAY, (
            "of the last ones the answer would be past the log's end"
        )
        assert one.a == AMOUNT
    assert LABEL.startswith("simulated response")
