"""Every event that the walk may report has a handler."""

from __future__ import annotations

from models.engine.effects import HANDLERS
from models.engine.ground import ReportedEffect
from models.engine.lanes import EFFECT, Effect


def test_there_is_a_handler_for_whatever_the_walk_reports() -> None:
    assert set(HANDLERS) == set(Effect)


def test_an_event_holds_the_fields_of_the_walks_buffer_but_for_those_that_are_rows_of_numbers() -> None:
    assert EFFECT.names is not None
    plain = [name for name in EFFECT.names if not EFFECT[name].subdtype]
    assert list(ReportedEffect._fields) == ["number", *plain]
