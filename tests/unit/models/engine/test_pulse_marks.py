"""A pulse says what kept something from going out at its boundary, and says nothing where nothing did."""

from __future__ import annotations

import msgspec

from models.outputs import Pulse, Watermark
from models.settings import DAY
from models.simulation.rehearsal import rehearse
from streams.cli.output_lines import of
from tests.auditor.test_engine_keeps_the_rules import LIMITED, SETTINGS, START
from tests.support.logs import inserted, resumed, stopped
from tests.support.replies import busy, with_policy

FREEZE = """
[[freeze]]
from = 2026-03-20T00:00:00Z
until = 2026-04-03T00:00:00Z
"""
FROZEN = 1_773_964_800_000, 1_775_174_400_000
STOPS = {7: (START + 10 * DAY, START + 30 * DAY), 8: (START + 20 * DAY, START + 50 * DAY)}
"""By number, when they stand."""


def pulses(stops: bool) -> list[Pulse]:
    [log] = busy(4, 1, 12, 60, START)
    said = [(at, stopped(at, number, purposes=["marketing"])) for number, (at, _) in STOPS.items()]
    said += [(until, resumed(until, number)) for number, (_, until) in STOPS.items()]
    log = with_policy(inserted(log, said) if stops else log, LIMITED + (FREEZE if stops else ""))
    outputs = rehearse([log], SETTINGS).shards[0].outputs
    found = [msgspec.json.decode(one.value, type=Pulse | Watermark) for one in outputs if b'"pulse"' in one.value]
    return [one for one in found if isinstance(one, Pulse)]


def test_stops_and_freezes_stand_in_the_pulses_of_their_time() -> None:
    found = pulses(stops=True)
    assert {one.held for one in found} >= {(), ("stop 7",), ("stop 7", "stop 8", "freeze"), ("stop 8",)}
    for one in found:
        expected = [f"stop {number}" for number, (at, until) in STOPS.items() if at < one.time <= until]
        expected += ["freeze"] * (FROZEN[0] <= one.time < FROZEN[1])
        assert [word for word in one.held if word != "alarm"] == expected, one.time
    assert "held by stop 7, stop 8, freeze" in "".join(map(of, found))


def test_where_nothing_is_held_a_pulse_is_what_it_was() -> None:
    assert {one.held for one in pulses(stops=False)} <= {(), ("alarm",)}
    assert b"held" not in msgspec.json.encode(Pulse(0, 1, 1, "", 0))
