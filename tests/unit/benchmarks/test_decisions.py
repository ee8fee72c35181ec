"""What a step under a policy comes to, and the table that tells what it costs."""

from __future__ import annotations

from importlib.resources import files

import pytest

from benchmarks.decisions import (
    AIMS,
    HELD,
    LEFT_ALONE,
    NOTHING,
    ONLY_WAITS,
    REPORT,
    WAITS,
    WIDE,
    WITH_DRIVERS,
    WITHOUT_DRIVERS,
    Measured,
    Row,
    measure,
    measure_switched,
    sort_of,
    table,
)
from benchmarks.decisions_switched import switched
from models.decisions.policy.reading import read_policy
from models.engine.effects import HANDLERS
from models.engine.lanes import Effect
from models.outputs import Candidate, Decision, Output, Position, Trigger

AT = Position(0, 7, due=True)
TRIGGER = Trigger("t", "c", "reward", "email", 0.0, [], 0, 0, 5, 9, 1, AT)
LOOKED_AT = (Candidate("reward", "email", ("cap",)),)


def said(what: str, **more: object) -> Decision:
    return Decision("t", what, 5, AT, "c", **more)  # type: ignore[arg-type]  # fields of a decision


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ([], NOTHING),
        ([said("delivered")], REPORT),
        ([said("waits", gate="in_window")], ONLY_WAITS),
        ([said("waits", gate="hours")], WAITS),
        ([said("episode_opened"), said("waits", gate="cap")], WAITS),
        ([said("decided", gate="refused_channel")], WIDE),
        ([said("decided", gate="cap", candidates=LOOKED_AT)], HELD),
        ([said("decided", candidates=LOOKED_AT)], LEFT_ALONE),
        ([said("decided", trigger="t"), TRIGGER], WITHOUT_DRIVERS),
        ([said("waits", gate="hours"), said("decided", trigger="t", reason="silent 40 days"), TRIGGER], WITH_DRIVERS),
    ],
)
def test_a_step_is_named_by_its_dearest_answer(outputs: list[Output], expected: str) -> None:
    assert sort_of(outputs) == expected


@pytest.mark.slow
def test_a_small_log_has_every_common_step_and_leaves_the_engine_as_it_was() -> None:
    decide = HANDLERS[Effect.DECIDE]
    measured = measure(customers=40, days=120, runs=1)
    assert HANDLERS[Effect.DECIDE] is decide
    assert measured.touchpoints > 300
    assert measured.rows.keys() == AIMS.keys()
    for sort in (WITH_DRIVERS, WAITS, WIDE, REPORT, NOTHING):
        assert measured.rows[sort].steps > 0
        assert 1.0 < measured.rows[sort].mean < 100_000.0
    [ratio] = measured.ratios
    assert ratio > 0.0


@pytest.mark.slow
def test_what_can_be_switched_on_decides_nothing_else_where_it_is_for_nobody() -> None:
    beside = measure_switched(customers=40, days=120, runs=1)
    assert all(row.steps == beside.rows[1][sort].steps for sort, row in beside.rows[0].items() if sort != NOTHING)
    assert min(beside.engine) > 0
    assert "switched on, to without" in beside.table()


def test_all_that_can_be_switched_on_is_in_the_policy_beside_the_example() -> None:
    text = files("models.decisions.policy").joinpath("example.toml").read_text()
    policy = read_policy(switched(text))
    for name in ("freeze", "holidays", "plan", "people", "retention", "ramp", "ad_free", "conversation", "protected"):
        assert getattr(policy, name) != getattr(read_policy(text), name), name
    with pytest.raises(ValueError, match="has no 'caps = \\['"):
        switched(text.replace("caps = [", "limits = ["))


def test_the_table_has_the_mean_the_number_and_their_product() -> None:
    rows = dict.fromkeys(AIMS, Row(0, 0.0)) | {ONLY_WAITS: Row(50, 1_900.0), WAITS: Row(50, 5_700.0)}
    lines = table(Measured(1_000, rows, [1.2, 1.0, 1.1])).splitlines()
    assert lines[1 + list(AIMS).index(ONLY_WAITS)].split() == ["only", "waits", "38.0", "20", "50.00", "1.90", "1.00"]
    assert lines[-2].split()[-5:] == ["76.0", "150", "100.00", "7.60", "2.00"]
    assert "1.100 (1.000 to 1.200" in lines[-1]
