"""The engine keeps to what operators stop, and sends again what was given back, by the auditor's own reading."""

from __future__ import annotations

import pytest

from models.simulation.rehearsal import rehearse
from models.timeline.batch import LogRecord
from streams.operations.audit.breaches import Report
from streams.operations.audit.records import Arrival, Line
from streams.operations.audit.run import audit
from tests.support.logs import resumed, stopped
from tests.unit.models.decisions.test_resending import log_of, victims
from tests.unit.models.engine.test_stops_in_force import at, written
from tests.unit.models.simulation.test_rehearsal import VARIANTS


def audited(log: list[LogRecord], without: bytes = b"never") -> tuple[Report, int]:
    """The report, and how many triggers were sent again. without: records that have this are hidden from the engine."""
    heard = [one._replace(value=b"") if without in (one.value or b"") else one for one in log]
    outputs = rehearse([heard], VARIANTS["live"]).shards[0].outputs
    said = {role: [one.value for one in outputs if one.role == role] for role in ("triggers", "decisions")}
    arrivals = [Arrival(one.offset, one.timestamp, one.key, one.value) for one in log]
    report = audit([Line(0, arrivals, said["triggers"], said["decisions"])])
    return report, sum(b'"what":"resent"' in one for one in said["decisions"])


STOPPED = written(
    (22.5, stopped(at(22.5), 7, purposes=["marketing"])), (25, stopped(at(25), 8)), (40, resumed(at(40), 7, 8))
)


def test_the_engine_keeps_to_what_is_stopped_and_one_that_does_not_hear_of_it_does_not() -> None:
    report, _ = audited(STOPPED)
    assert sum(report.triggers.values()) > 20
    assert report.breaches == []
    deaf, _ = audited(STOPPED, without=b'"type":"stopped"')
    assert {breach.rule for breach in deaf.breaches} == {"stopped"}


@pytest.mark.parametrize("kind", ["expired_unsent", "offer_withdrawn"])
@pytest.mark.parametrize("which", [0, 1])
def test_what_is_sent_again_breaks_no_rule(which: int, kind: str) -> None:
    report, again = audited(log_of(victims()[which], kind=kind))
    assert again == 1
    assert report.breaches == []
