"""The input topic under a running worker: gone, there again, or another one of the same name."""

from __future__ import annotations

import logging

import pytest

from streams.errors import EngineError, TopicChanged
from streams.log_facts import TopicDirectory, TopicIdentity
from streams.topic_watch import SURE, TopicWatch

KNOWN, GONE = TopicIdentity("one", 3), TopicIdentity("", 0)


class Told:
    def __init__(self, known: TopicIdentity = KNOWN) -> None:
        self.changed: list[EngineError] = []
        self.trouble: list[str | None] = []
        directory = TopicDirectory("nowhere:1", "test", 1.0)  # connects when it is asked
        self.watch = TopicWatch(directory, "touchpoints", known, self.changed.append, self.trouble.append)

    def saw(self, *seen: TopicIdentity | None) -> list[bool]:
        return [self.watch.saw(one) for one in seen]


@pytest.mark.parametrize("other", [TopicIdentity("two", 3), TopicIdentity("one", 4)])
def test_another_topic_of_the_same_name_or_more_partitions_end_the_process_by_name(other: TopicIdentity) -> None:
    told = Told()
    assert told.saw(KNOWN, *[other] * SURE) == [False] * SURE + [True]
    (error,) = told.changed
    assert isinstance(error, TopicChanged)
    assert f"had id one with 3 partitions when this worker started, now it has id {other.topic_id}" in str(error)


def test_a_single_look_that_says_otherwise_is_no_proof(caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    for seen in (TopicIdentity("two", 3), GONE, None):
        assert told.saw(seen, KNOWN) == [False, False]
    assert not told.changed
    assert not told.trouble
    assert not caplog.messages


def test_a_topic_that_is_gone_is_told_once_and_so_is_its_return(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    told = Told()
    told.saw(*[GONE] * SURE, GONE, None, GONE, KNOWN, KNOWN)
    assert told.trouble == ["topic touchpoints does not exist any more: nothing can be read until it is back", None]
    assert len(caplog.messages) == 2


def test_a_broker_that_tells_no_topic_ids_shows_a_changed_partition_count_all_the_same() -> None:
    told = Told(TopicIdentity("", 3))
    assert told.saw(*[TopicIdentity("two", 3)] * SURE) == [False] * SURE
    assert told.saw(*[TopicIdentity("", 2)] * SURE)[-1]
