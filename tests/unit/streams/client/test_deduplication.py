"""What a consumer remembers of handled triggers, and for how long."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.client import HandledFile
from streams.client.deduplication import Seen


def test_ids_are_known_per_partition_and_the_oldest_of_too_many_is_forgotten() -> None:
    seen = Seen(2)
    for number in range(3):
        seen.add(0, f"t{number}", 100 + number)
    seen.add(1, "t0", 100)
    assert [seen.has(0, f"t{number}") for number in range(3)] == [False, True, True]
    assert seen.has(1, "t0")
    assert seen.reach(0) == (2, 101)
    assert seen.reach(7) == (0, None)


def test_a_duplicate_does_not_make_the_memory_look_longer_than_it_is() -> None:
    seen = Seen(2)
    for published, trigger_id in ((1, "a"), (2, "b"), (3, "a")):
        seen.add(0, trigger_id, published)
    assert seen.reach(0) == (2, 1)


def test_a_memory_for_nothing_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="remember is 0"):
        Seen(0)


def test_a_handled_file_outlives_its_process_and_forgets_what_has_expired(tmp_path: Path) -> None:
    with HandledFile(tmp_path / "handled") as handled:
        handled.add("a", 10)
        handled.add("b", 20)
        handled.add("b", 20)
        assert len(handled) == 2
    with HandledFile(tmp_path / "handled") as handled:
        assert handled.has("a")
        assert not handled.has("c")
        handled.forget(20)
        assert not handled.has("a")
        assert handled.has("b")


def test_two_consumers_may_share_a_handled_file(tmp_path: Path) -> None:
    with HandledFile(tmp_path / "handled") as one, HandledFile(tmp_path / "handled") as other:
        one.add("a", 10)
        assert other.has("a")
        other.add("b", 10)
        assert one.has("b")
