"""Accounts of points through crashes and takeovers, a rebuild and a verification: each point once, to the byte."""

from __future__ import annotations

import pytest

from models.customer.record import unpack
from streams.operations.verify import stored
from streams.store.fake import FakeStore
from tests.support.rebuilds import Rebuilder, lose
from tests.support.workers import POINTS, Site, play, records_in
from tests.unit.models.engine.test_points import ENDS, kept
from tests.unit.streams.operations.test_rebuild import EVERYTHING
from tests.unit.streams.operations.test_verify import _everybody, _verified


def site(mode: str = "replay") -> tuple[Site, FakeStore]:
    """Points by one policy, and by another from the middle on; much late, twice, cancelled, given back."""
    store, logs = FakeStore(), kept(3, (ENDS["rolling"], ENDS["forgiven"]), 2, 10, 60)
    return Site(store, store.snapshot, logs, mode=mode), store


def accounts(store: FakeStore) -> dict[bytes, bytes]:
    records = [one for place in ("0", "1") for one in records_in(store.snapshot(place)).items()]
    found = {name: unpack(name, value) for name, value in records}
    return {name: record.tail.points for name, record in found.items() if record.tail.points}


def test_a_worker_that_dies_anywhere_books_each_point_once() -> None:
    async def scenario() -> None:
        whole, store = site()
        points = [point for point in POINTS if point.startswith(("commit", "publish"))]
        await whole.live(*(f"{point}:{n}" for point in points for n in (2, 9, 20, 31)))
        assert accounts(store)

    play(scenario)


@pytest.mark.parametrize("mode", ["replay", "live"])
def test_accounts_that_redis_has_lost_are_made_anew(mode: str) -> None:
    async def scenario() -> None:
        whole, store = site(mode)
        await whole.live(check=mode == "replay")
        stood = {place: records_in(store.snapshot(place)) for place in ("0", "1")}
        lose(store, EVERYTHING)
        assert await Rebuilder(whole, store).rebuild() is not None
        await whole.live(check=False)
        assert {place: records_in(store.snapshot(place)) for place in ("0", "1")} == stood
        assert accounts(store)

    play(scenario)


def test_a_verification_replays_accounts_of_all_and_of_one() -> None:
    async def scenario() -> None:
        whole, store = site()
        await whole.live()
        assert (await _everybody(whole, store)).differences == []
        for name in sorted(accounts(store))[:3]:
            alone = await _verified(whole, store, stored.named([name.decode()], 2))
            assert (alone.compared, alone.differences) == (1, [])

    play(scenario)
