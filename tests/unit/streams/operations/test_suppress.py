"""Refusals from a list: how it is read, that it closes for good what it says, and how it is found again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from models.customer.consent import MARKETING, answer, unpack_register
from models.customer.record import Record, unpack
from models.settings import DAY, HOUR, EngineSettings
from models.touchpoints import Touch, read
from streams.operations.suppress import (
    NOT_YET,
    OPEN_AGAIN,
    REFUSED,
    ListUnfit,
    Refusing,
    lines_of,
    read_list,
    reconcile,
    standing_of,
)
from streams.store.fake import FakeStore
from streams.store.port import Write
from tests.support.bench import Silence, run_alone
from tests.support.logs import chosen_policy, log_of, ticking, told
from tests.support.two_ids import NOON as NOON_OF_IT
from tests.support.two_ids import World
from tests.unit.models.engine.test_life_of_a_moment import POLICY

NOON = 1_700_000_000_000
EMAIL = Refusing("marketing", ("email",), "", NOON, "ada", "robinson list")


def listed(path: Path, text: str) -> list[tuple[str, int | None, int]]:
    path.write_text(text, encoding="utf-8")
    return [tuple(one) for one in read_list(path)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("anna\n\n ben \n", [("anna", None, 1), ("ben", None, 3)]),
        ("\ufeffcustomer,why\nanna,x\n", [("anna", None, 2)]),
        ("Time,Customer_ID\n2023-11-14T22:13:20Z,anna\n,ben\n", [("anna", NOON, 2), ("ben", None, 3)]),
        ('id\n"a,b"\n', [("a,b", None, 2)]),
        (
            '{"customer": "anna"}\n{"subject": "ben", "time": "2023-11-14T22:13:20Z"}',
            [("anna", None, 1), ("ben", NOON, 2)],
        ),
    ],
)
def test_a_list_is_read_in_three_forms(tmp_path: Path, text: str, found: list[Any]) -> None:
    assert listed(tmp_path / "list", text) == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("customer\nanna\n,\n", "line 3 has 2 cells, and the first line 1"),
        ('{"customer": 7}', "line 1: customer is 7; give an id, as text"),
        ('{"customer": "a"}\n{"customer"', "line 2 is no JSON"),
        ("customer,time\nanna,yesterday", "line 2: time is 'yesterday'; give one such as"),
        ("customer,time\nanna,2023-11-14T22:13:20", "give it with its offset"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ListUnfit, match=told):
        listed(tmp_path / "list", text)


def test_the_same_list_twice_is_the_same_touchpoints(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("anna\nben\n")
    assert list(lines_of(path, EMAIL)) == list(lines_of(path, EMAIL))
    assert len({*lines_of(path, EMAIL), *lines_of(path, EMAIL._replace(channels=("push",)))}) == 4


def record_after(entries: list[tuple[int, bytes | None, bytes]]) -> Record | None:
    kept = run_alone(log_of(entries), EngineSettings(), Silence())
    stored = kept.records.get(b"c")
    return None if stored is None else unpack(b"c", stored)


def suppressed(path: Path, said: Refusing, arrives: int) -> list[tuple[int, bytes | None, bytes]]:
    path.write_text("c\n")
    return [(arrives, b"c", line.strip()) for line in lines_of(path, said) if line.strip()]


def test_a_customer_who_is_not_known_yet_stands_refused(tmp_path: Path) -> None:
    assert standing_of(None, EMAIL, NOON) == (NOT_YET, {})
    record = record_after([*suppressed(tmp_path / "l", EMAIL, NOON + DAY), ticking(NOON + 2 * DAY)])
    assert standing_of(record, EMAIL, NOON) == (REFUSED, {})
    assert standing_of(record, EMAIL._replace(channels=()), NOON) == (NOT_YET, {})


def test_a_later_consent_that_names_the_channel_is_named_and_not_overwritten(tmp_path: Path) -> None:
    agreed = {"marketing": True, "channels": ["email"]}
    later = told("consent_changed", "c", NOON + DAY, agreed)
    again = suppressed(tmp_path / "l", EMAIL, NOON + 2 * DAY)
    record = record_after([*suppressed(tmp_path / "l", EMAIL, NOON + 1), later, *again, ticking(NOON + 3 * DAY)])
    assert standing_of(record, EMAIL, NOON) == (OPEN_AGAIN, {"email": NOON + DAY})
    of_all = EMAIL._replace(channels=())
    record = record_after([*suppressed(tmp_path / "l", of_all, NOON + 1), later, ticking(NOON + 3 * DAY)])
    assert standing_of(record, of_all, NOON) == (OPEN_AGAIN, {"email": NOON + DAY})


def test_a_restriction_is_found_as_well(tmp_path: Path) -> None:
    said = EMAIL._replace(restriction="do_not_contact", channels=())
    record = record_after([*suppressed(tmp_path / "l", said, NOON + 1), ticking(NOON + DAY)])
    assert standing_of(record, said, NOON) == (REFUSED, {})
    assert standing_of(record, said._replace(restriction="fraud"), NOON) == (NOT_YET, {})


def test_the_store_is_asked_for_all_of_a_list(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("c\nnobody\n")
    kept = run_alone(log_of(suppressed(tmp_path / "l", EMAIL, NOON)), EngineSettings(), Silence())

    async def look() -> dict[str, int]:
        store = FakeStore()
        await store.create("0", b"body")
        await store.mint("0", b"t")
        await store.commit("0", Write(b"t", 0, b"n", b"body", values=[(b"c:c", kept.records[b"c"])]))
        found = await reconcile(store, 1, path, EMAIL)
        assert not found.done
        assert found.customers[NOT_YET] == [{"customer": "nobody"}]
        return found.counts

    assert asyncio.run(look()) == {REFUSED: 1, NOT_YET: 1, OPEN_AGAIN: 0, "unreadable": 0}


def test_of_an_id_that_is_anothers_it_is_looked_for_at_the_customers(tmp_path: Path) -> None:
    """Nothing of it is at the old id: that its record is blank says neither yes nor no."""
    path = tmp_path / "list"
    path.write_text("ada\nbob\ncy\n")
    world = World()
    world.knows("ada", "bob", "cy", "customer")
    world.tell(NOON_OF_IT + 1, "consent_changed", "ada", marketing=False, channels=["email"])
    for old, into in (("ada", "customer"), ("bob", "other"), ("cy", "bob")):
        world.tell(NOON_OF_IT + HOUR, "identity_merged", old, into=into)
    world.go(NOON_OF_IT + 2 * HOUR)
    restricted = EMAIL._replace(restriction="fraud", channels=(), at=NOON_OF_IT)

    async def look() -> list[Any]:
        store = FakeStore()
        for number, shard in enumerate(world.shards.world.shards):
            values = [(b"c:" + name, value) for name, value in shard.records.items()]
            await store.create(str(number), b"body")
            await store.mint(str(number), b"t")
            await store.commit(str(number), Write(b"t", 0, b"n", b"body", values=values))
        asked = [await reconcile(store, 2, path, said) for said in (EMAIL._replace(at=NOON_OF_IT), restricted)]
        return [(sorted(one["customer"] for one in found.customers[NOT_YET]), found.counts[REFUSED]) for found in asked]

    assert asyncio.run(look()) == [(["bob", "cy"], 1), (["ada", "bob", "cy"], 0)]


CHANNELS = ("email", "push")
SAYING = ("grant", "refuse", "unsubscribe", "suppress", "suppress all")
"""Words that open or close something; the others do neither."""
WORDS = some.tuples(
    some.sampled_from([*SAYING, "preference", "ask", "preview"]),
    some.sampled_from(CHANNELS),
    some.integers(0, 8),  # when it was said, days
    some.integers(0, 8),  # and how much later it came
)


@pytest.mark.slow
@given(some.lists(WORDS, min_size=1, max_size=7))
@settings(max_examples=60, deadline=None)
def test_no_order_ends_more_open_than_the_last_explicit_word(
    tmp_path_factory: pytest.TempPathFactory, words: list[tuple[str, str, int, int]]
) -> None:
    """Told in any order, late or twice: a channel of which the newest explicit word is a no is refused."""
    path = tmp_path_factory.getbasetemp() / "story"
    entries: list[tuple[int, bytes | None, bytes]] = []
    last = dict.fromkeys(CHANNELS, (-1, False))
    for n, (word, channel, said, later) in enumerate(words):
        at, arrives = NOON + said * DAY, NOON + (said + later) * DAY + n
        if word == "grant":
            entries.append(
                told("consent_changed", "c", at, {"marketing": True, "channels": [channel]}, id=str(n), at=arrives)
            )
        elif word == "refuse":
            entries.append(
                told("consent_changed", "c", at, {"marketing": False, "channels": [channel]}, id=str(n), at=arrives)
            )
        elif word == "unsubscribe":
            entries.append(told("message_unsubscribed", "c", at, {"channel": channel}, id=str(n), at=arrives))
        elif word in ("ask", "preview"):
            kind = "asked_may" if word == "ask" else "preview_asked"
            data = (
                {"purpose": "marketing", "channel": channel} if word == "ask" else {"action": "offer", "to": "tester"}
            )
            entries.append(told(kind, "c", at, data, id=str(n), at=arrives))
        elif word == "preference":
            entries.append(told("preferences_updated", "c", at, {"channels": [channel]}, id=str(n), at=arrives))
        else:
            channels = (channel,) if word == "suppress" else ()
            entries += 2 * suppressed(path, EMAIL._replace(at=at, channels=channels), arrives)
        if word in SAYING:
            for one in CHANNELS if word == "suppress all" else (channel,):
                last[one] = max(last[one], (at, word != "grant"))  # of one time the refusal counts
    record = record_after([(NOON, None, chosen_policy(NOON, 1, POLICY)), *sorted(entries, key=lambda entry: entry[0])])
    register = unpack_register(b"" if record is None else record.tail.consents)
    for channel, (_, closed) in last.items():
        if closed:
            assert answer(register, MARKETING, channel, NOON + 20 * DAY).name == "REFUSED", channel


def test_what_is_published_is_a_touchpoint_of_the_lists_time(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("customer,time\nanna,2023-11-14T22:13:20Z\n")
    blank, line = lines_of(path, EMAIL._replace(at=1))
    touch = read(line, None, NOON + DAY)
    assert (blank, isinstance(touch, Touch) and touch.time) == (b"\n", NOON)
