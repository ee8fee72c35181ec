"""Topics that stay open between pages: whoever uses them when the console ends closes them."""

from __future__ import annotations

from typing import Any

import pytest

from streams.console import open_topics
from streams.console.open_topics import OpenTopics


class Opened:
    """In place of `Indices`."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> OpenTopics:
    monkeypatch.setattr(open_topics, "Indices", Opened)
    return OpenTopics(None, "touchpoints")  # type: ignore[arg-type] # nothing is opened by it


def test_what_nobody_uses_is_closed_with_the_console(topics: OpenTopics) -> None:
    with topics.indices() as first, topics.indices() as other:
        pass
    with topics.indices() as again:
        assert again in (first, other)
    assert (first.closed, other.closed) == (0, 0)
    topics.close()
    assert (first.closed, other.closed) == (1, 1)


def test_what_is_used_while_the_console_ends_is_closed_when_it_is_given_back(topics: OpenTopics) -> None:
    with topics.indices() as used:
        topics.close()
        assert used.closed == 0, "somebody reads by it"
    assert used.closed == 1
    with topics.indices() as later:
        assert later is not used
    assert later.closed == 1, "what was begun before the end, and opens its topics after it"
