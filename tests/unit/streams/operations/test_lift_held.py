"""Lift says when something was stopped or frozen, over all shards."""

from __future__ import annotations

from models.decisions.policy.in_force import PolicyInForce
from models.outputs import Decision, Position
from models.settings import DAY
from models.simulation.rehearsal import rehearse
from streams.operations.audit.records import Arrival, Line
from streams.operations.lift import Terms, read_all, report_of
from streams.operations.lift.held import Held, Span, data_of
from tests.support.logs import resumed, stopped
from tests.unit.models.decisions.policy.test_reading import SMALL
from tests.unit.models.engine.test_stops_in_force import at, written
from tests.unit.models.simulation.test_rehearsal import VARIANTS


def word(what: str, time: int, reason: str) -> Decision:
    return Decision(f"{what}-{time}", what, time, Position(0, 0, False), reason=reason)


def test_a_stop_begins_with_the_first_shard_and_ends_with_the_last() -> None:
    held = Held()
    begins = "stop 7: purpose marketing; by ada: prices of 2 shops"
    held.hears([word("stopped", 5, begins), word("resumed", 9, "stop 7, 8; by ada")])
    held.hears(
        [word("stopped", 4, begins), word("resumed", 12, "stop 7; by ada"), word("stopped", 13, "stop 9: everything")]
    )
    assert held.spans([], 0, 20) == [Span("stop 7: purpose marketing", 4, 12), Span("stop 9: everything", 13, 0)]
    assert data_of(held.spans([], 12, 12)) == []
    held.hears([word("stopped", 6, begins)])
    assert data_of(held.spans([], 12, 12)) == [{"what": "stop 7: purpose marketing", "from": 4, "until": None}]


def test_a_freeze_of_a_policy_that_was_in_force_is_told() -> None:
    text = SMALL + "\n[[freeze]]\nfrom = 1970-01-03T00:00:00Z\nuntil = 1970-01-05T00:00:00Z\n"
    policies = [PolicyInForce.of(1, text)]
    [span] = Held().spans(policies, 0, 3 * DAY)
    assert span == Span("freeze of marketing", 2 * DAY, 4 * DAY)
    assert Held().spans(policies, 4 * DAY, 9 * DAY) == []


def test_the_report_tells_it() -> None:
    log = written((30, stopped(at(30), 7)), (40, resumed(at(40), 7)))
    outputs = rehearse([log], VARIANTS["live"]).shards[0].outputs
    said = ([one.value for one in outputs if one.role == role] for role in ("triggers", "decisions"))
    line = Line(0, [Arrival(one.offset, one.timestamp, one.key, one.value) for one in log], *said)
    terms = Terms()
    assert report_of(read_all([line], terms), terms).data()["held"] == [
        {"what": "stop 7: everything", "from": at(30), "until": at(40)}
    ]
