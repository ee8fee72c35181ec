"""Every event that the walk may report has a handler."""

from __future__ import annotations

from models.effects import HANDLERS, Event
from models.lanes import EVENT, What


def test_there_is_a_handler_for_whatever_the_walk_reports() -> None:
    assert set(HANDLERS) == set(What)


def test_an_event_holds_the_fields_of_the_walks_buffer_but_for_those_that_are_rows_of_numbers() -> None:
    assert EVENT.names is not None
    plain = [name for name in EVENT.names if not EVENT[name].subdtype]
    assert list(Event._fields) == ["number", *plain]
