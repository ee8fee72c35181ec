"""A sweep through the log: who is looked at, that it can be stopped and begun anew, and that it ends."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from models.customer.record import unpack
from models.decisions.standing_stored import unpack_standing
from models.settings import DAY
from streams.operations.may_contact import NothingDecides
from streams.operations.sweep import sweep
from tests.support.logs import told
from tests.unit.models.engine.test_dates import DATED, at
from tests.unit.models.engine.test_life_of_a_moment import BOUGHT, POLICY, Story
from tests.unit.streams.operations.test_may_contact import Shop

CUSTOMERS = [f"c-{number}" for number in range(8)]


def shop(text: str = DATED) -> Shop:
    """Customers with a contract, and one without a date, before the policy with dates comes."""
    began = {"plan": "a", "renews_at": at(40)}
    known = [told("subscription_started", name, BOUGHT + DAY, began, id=f"{name}-s") for name in CUSTOMERS]
    known.append(told("visit", "nobody", BOUGHT + DAY, {}, id="visit"))
    story = replace(Story(POLICY if text else "", days=12), entries=known)
    return Shop(story.policy(10, text) if text else story)


async def names(shop: Shop, most: int = 100) -> AsyncIterator[tuple[str, bytes]]:
    for name in ["c", "nobody", *CUSTOMERS][:most]:
        yield "0", b"c:" + name.encode()


def swept(place: Shop, times: int = 1, most: int = 100, dry: bool = False) -> list[Counter[str]]:
    async def run() -> list[Counter[str]]:
        async with place:
            return [
                await sweep(place.store, names(place, most), None if dry else place.send, "ada", 1e6, lambda *_: None)
                for _ in range(times)
            ]

    place.story = replace(place.story, text=DATED)  # what the store keeps is the policy in force
    return asyncio.run(run())


def test_who_lacks_a_timer_is_looked_at_once_and_others_are_not() -> None:
    place = shop()
    before = len(place.log)
    first, second = swept(place, 2)
    assert first == {"looked_at": 9, "has_all": 1, "unreadable": 0}  # those with a contract, and who bought
    assert second == {"looked_at": 0, "has_all": 10, "unreadable": 0}
    assert len(place.log) == before + 9
    stored = asyncio.run(place.store.load("0", [b"c:" + name.encode() for name in CUSTOMERS]))
    for name, value in zip(CUSTOMERS, stored, strict=True):
        assert value is not None
        assert unpack_standing(unpack(name.encode(), value).tail.standing).dates


def test_one_that_was_stopped_goes_on_with_the_rest() -> None:
    place = shop()
    assert swept(place, most=5)[0]["looked_at"] == 4
    assert swept(place)[0]["looked_at"] == 5


def test_a_dry_run_writes_nothing() -> None:
    place = shop()
    before = len(place.log)
    assert swept(place, dry=True)[0]["looked_at"] == 9
    assert len(place.log) == before


def test_without_a_policy_there_is_nothing_to_look_for() -> None:
    with pytest.raises(NothingDecides, match="no policy is in force in shard 0"):
        asyncio.run(_without())


async def _without() -> None:
    place = shop("")
    async with place:
        await sweep(place.store, names(place), place.send, "ada", 1e6, lambda *_: None)
