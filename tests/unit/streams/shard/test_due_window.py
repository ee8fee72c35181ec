"""The window onto the due set answers as the due set itself would, whatever was committed in between."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from streams.shard.due_window import MOST_WINDOWS, DueWindow, Item

customers = st.integers(0, 30).map(lambda n: b"c%02d" % n)
places = st.integers(1, 40).map(float)
commits = st.dictionaries(customers, st.none() | places, max_size=12)


class Stored(dict[bytes, float]):
    """A due set, as a dictionary, that counts how often it is read."""

    reads = 0

    async def read(self, up_to: float, limit: int) -> list[Item]:
        self.reads += 1
        return self.first(up_to, limit)

    def first(self, up_to: float, limit: int) -> list[Item]:
        return sorted((place, customer) for customer, place in self.items() if place <= up_to)[:limit]

    def commit(self, dues: dict[bytes, float | None]) -> None:
        for customer, place in dues.items():
            if place is None:
                self.pop(customer, None)
            else:
                self[customer] = place


@given(
    st.dictionaries(customers, places),
    st.lists(st.tuples(places, st.integers(1, 8), commits), max_size=20),
    st.integers(1, 9),
)
def test_it_answers_as_the_due_set_does(
    first: dict[bytes, float], steps: list[tuple[float, int, dict[bytes, float | None]]], size: int
) -> None:
    stored = Stored(first)
    window = DueWindow(stored.read, lambda: size)

    async def walk() -> None:
        for place, most, commit in steps:
            assert await window.before(place, most) == stored.first(place - 1, most)
            stored.commit(commit)
            window.committed(commit)

    asyncio.run(walk())


def test_what_lies_in_the_window_is_not_read_again() -> None:
    stored = Stored({b"c%03d" % n: float(n) for n in range(500)})
    window = DueWindow(stored.read, lambda: 100)

    async def walk() -> None:
        for place in range(1, 90):
            [(due, customer)] = await window.before(float(place), 5)
            later: dict[bytes, float | None] = {customer: due + 1_000}
            stored.commit(later)
            window.committed(later)

    asyncio.run(walk())
    assert stored.reads == 1


def test_a_flood_is_read_a_window_at_a_time() -> None:
    stored = Stored({b"c%03d" % n: float(n) for n in range(1_000)})
    window = DueWindow(stored.read, lambda: 100)

    async def walk() -> None:
        for _ in range(100):
            found = await window.before(2_000.0, 10)
            later: dict[bytes, float | None] = {customer: due + 10_000 for due, customer in found}
            stored.commit(later)
            window.committed(later)

    asyncio.run(walk())
    assert stored.reads <= 12


def test_more_than_a_window_at_one_moment_is_read_in_pages() -> None:
    stored = Stored({b"c%03d" % n: 7.0 for n in range(50)})
    window = DueWindow(stored.read, lambda: 10)
    assert asyncio.run(window.before(8.0, 20)) == stored.first(7.0, 20)


def test_a_shard_that_begins_with_nothing_due_does_not_keep_everything() -> None:
    stored = Stored()
    window = DueWindow(stored.read, lambda: 10)

    async def walk() -> None:
        assert await window.before(5.0, 10) == []
        for n in range(1_000):
            commit: dict[bytes, float | None] = {b"c%04d" % n: 10.0 + (n * 37) % 1_000}
            stored.commit(commit)
            window.committed(commit)
            assert len(window._items) <= MOST_WINDOWS * 10 + 1
        assert await window.before(500.0, 2_000) == stored.first(499.0, 2_000)

    asyncio.run(walk())
