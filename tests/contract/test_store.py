"""What every store does: the rules of streams/store/port.py, on the fake, on Redis and on Redis Cluster."""

from __future__ import annotations

import asyncio
import math
import random
from dataclasses import replace
from typing import Any

import pytest

from streams.store.port import Meta, Outcome, Write
from streams.store.rules import StoreRefused
from tests.support.stores import Bench

pytestmark = pytest.mark.asyncio

PLACE = "7"
MINE, OTHER = b"token-of-a", b"token-of-b"
EVERY_BYTE = bytes(range(256))


def write(expected: int, nonce: bytes, **parts: Any) -> Write:
    return Write(**{"token": MINE, "body": b"body-%d" % (expected + 1)} | parts, expected=expected, nonce=nonce)


FULL = {
    "values": [(b"c:anna", b"1"), (b"c:bert", b"2")],
    "dues": [(10.0, b"anna"), (20.5, b"bert")],
    "outbox": [b"e1", b"e2", b"e3"],
}


async def owned(bench: Bench, place: str = PLACE) -> Bench:
    """A place that MINE owns, at number 1 with something of everything in it."""
    assert await bench.store.create(place, b"body-0")
    await bench.store.mint(place, MINE)
    assert await bench.store.commit(place, write(0, b"n0", **FULL)) is Outcome.OK
    return bench


# ---------------------------------------------------------------- meta


async def test_a_place_that_was_never_created_has_no_meta_and_nothing_else(bench: Bench) -> None:
    store = bench.store
    assert await store.read_meta(PLACE) is None
    assert await store.mint(PLACE, MINE) is None
    assert await store.commit(PLACE, write(0, b"n", **FULL)) is Outcome.MISSING
    assert await store.load(PLACE, [b"c:anna"]) == [None]
    assert await store.due(PLACE, math.inf, 10) == []
    assert await store.due_count(PLACE, math.inf) == 0
    assert await store.outbox(PLACE) == []
    assert bench.dump(PLACE) == bench.dump("never-touched")


async def test_create_makes_an_unowned_meta_once(bench: Bench) -> None:
    assert await bench.store.create(PLACE, b"first") is True
    assert await bench.store.create(PLACE, b"second") is False
    assert await bench.store.read_meta(PLACE) == Meta(b"", 0, b"", b"first")


async def test_create_leaves_a_place_that_works_alone(bench: Bench) -> None:
    before = (await owned(bench)).dump(PLACE)
    assert await bench.store.create(PLACE, b"again") is False
    assert bench.dump(PLACE) == before


async def test_mint_returns_the_meta_as_it_was_and_a_repeated_mint_its_own_token(bench: Bench) -> None:
    await owned(bench)
    assert await bench.store.mint(PLACE, OTHER) == Meta(MINE, 1, b"n0", b"body-1")
    assert await bench.store.mint(PLACE, OTHER) == Meta(OTHER, 1, b"n0", b"body-1")
    assert await bench.store.read_meta(PLACE) == Meta(OTHER, 1, b"n0", b"body-1")


async def test_a_mint_that_names_the_token_it_saw_takes_the_place_from_nobody_else(bench: Bench) -> None:
    await bench.store.create(PLACE, b"body")
    assert await bench.store.mint(PLACE, MINE, b"") == Meta(b"", 0, b"", b"body")
    before = bench.dump(PLACE)
    assert await bench.store.mint(PLACE, OTHER, b"") == Meta(MINE, 0, b"", b"body")
    assert bench.dump(PLACE) == before
    assert await bench.store.mint(PLACE, MINE, b"") is not None  # the repeat of one whose answer was lost
    assert await bench.store.mint(PLACE, OTHER, MINE) == Meta(MINE, 0, b"", b"body")
    assert await bench.store.read_meta(PLACE) == Meta(OTHER, 0, b"", b"body")


# ---------------------------------------------------------------- compare and set


async def test_a_write_is_applied_whole_and_counted(bench: Bench) -> None:
    after = (await owned(bench)).dump(PLACE)
    assert after.meta == Meta(MINE, 1, b"n0", b"body-1")
    assert after.values == {b"c:anna": b"1", b"c:bert": b"2"}
    assert after.dues == {b"anna": 10.0, b"bert": 20.5}
    assert after.outbox == (b"e1", b"e2", b"e3")


async def test_a_write_overwrites_removes_and_trims(bench: Bench) -> None:
    await owned(bench)
    second = write(
        1,
        b"n1",
        values=[(b"c:anna", b"3"), (b"c:carl", b"4")],
        removed=[b"c:bert", b"c:nobody"],
        dues=[(5.0, b"anna"), (30.0, b"carl")],
        undue=[b"bert", b"nobody"],
        outbox=[b"e4"],
        trim=2,
    )
    assert await bench.store.commit(PLACE, second) is Outcome.OK
    after = bench.dump(PLACE)
    assert after.meta == Meta(MINE, 2, b"n1", b"body-2")
    assert after.values == {b"c:anna": b"3", b"c:carl": b"4"}
    assert after.dues == {b"anna": 5.0, b"carl": 30.0}
    assert after.outbox == (b"e3", b"e4")


async def test_a_write_of_the_body_alone_is_a_write(bench: Bench) -> None:
    await owned(bench)
    assert await bench.store.commit(PLACE, write(1, b"n1")) is Outcome.OK
    assert await bench.store.read_meta(PLACE) == Meta(MINE, 2, b"n1", b"body-2")


async def test_what_a_write_removes_and_sets_is_there_and_the_last_of_two_counts(bench: Bench) -> None:
    await owned(bench)
    both = write(
        1,
        b"n1",
        values=[(b"c:anna", b"5"), (b"c:anna", b"6")],
        removed=[b"c:anna"],
        dues=[(7.0, b"anna"), (8.0, b"anna")],
        undue=[b"anna"],
    )
    assert await bench.store.commit(PLACE, both) is Outcome.OK
    assert bench.dump(PLACE).values[b"c:anna"] == b"6"
    assert bench.dump(PLACE).dues[b"anna"] == 8.0


async def test_the_whole_outbox_may_be_trimmed_while_new_entries_come(bench: Bench) -> None:
    await owned(bench)
    assert await bench.store.commit(PLACE, write(1, b"n1", outbox=[b"e4"], trim=3)) is Outcome.OK
    assert await bench.store.outbox(PLACE) == [b"e4"]
    assert await bench.store.commit(PLACE, write(2, b"n2", trim=1)) is Outcome.OK
    assert await bench.store.outbox(PLACE) == []


async def test_a_retry_after_a_lost_reply_is_recognised_and_done_once(bench: Bench) -> None:
    await owned(bench)
    once = write(1, b"n1", values=[(b"c:anna", b"9")], outbox=[b"e4"], trim=3)
    assert await bench.store.commit(PLACE, once) is Outcome.OK
    after = bench.dump(PLACE)
    assert await bench.store.commit(PLACE, once) is Outcome.AGAIN
    assert await bench.store.commit(PLACE, once) is Outcome.AGAIN
    assert bench.dump(PLACE) == after
    assert Outcome.OK.stands
    assert Outcome.AGAIN.stands


async def test_a_retry_that_comes_after_a_later_write_is_not_done_again(bench: Bench) -> None:
    await owned(bench)
    late = write(1, b"n1", outbox=[b"e4"])
    await bench.store.commit(PLACE, late)
    await bench.store.commit(PLACE, write(2, b"n2"))
    after = bench.dump(PLACE)
    assert await bench.store.commit(PLACE, late) is Outcome.WENT_BACK
    assert bench.dump(PLACE) == after


async def test_a_batch_and_an_outbox_trim_cannot_be_taken_for_each_others_retry(bench: Bench) -> None:
    await owned(bench)
    assert await bench.store.commit(PLACE, write(1, b"of-the-batch", values=[(b"c:anna", b"9")])) is Outcome.OK
    after = bench.dump(PLACE)
    assert await bench.store.commit(PLACE, write(1, b"of-the-trim", trim=1)) is Outcome.WENT_BACK
    assert bench.dump(PLACE) == after


async def test_a_zombie_writes_nothing_at_all(bench: Bench) -> None:
    await owned(bench)
    await bench.store.mint(PLACE, OTHER)
    before = bench.dump(PLACE)
    for zombie in (write(1, b"n1", trim=1, removed=[b"c:anna"], **FULL), write(0, b"n0", **FULL)):
        assert await bench.store.commit(PLACE, zombie) is Outcome.FENCED
    assert bench.dump(PLACE) == before
    assert not Outcome.FENCED.stands


@pytest.mark.parametrize("expected", [0, 2, 3, 10**15])
async def test_a_number_other_than_the_stored_one_is_noticed(bench: Bench, expected: int) -> None:
    before = (await owned(bench)).dump(PLACE)
    assert await bench.store.commit(PLACE, write(expected, b"x", **FULL)) is Outcome.WENT_BACK
    assert bench.dump(PLACE) == before
    assert not Outcome.WENT_BACK.stands


async def test_the_nonce_of_the_stored_write_at_another_number_is_no_retry(bench: Bench) -> None:
    before = (await owned(bench)).dump(PLACE)
    assert await bench.store.commit(PLACE, write(5, b"n0")) is Outcome.WENT_BACK
    assert bench.dump(PLACE) == before


async def test_places_do_not_touch_each_other(bench: Bench) -> None:
    await owned(bench, "1")
    await owned(bench, "10")
    before = bench.dump("10")
    await bench.store.commit("1", write(1, b"n1", removed=[b"c:anna"], undue=[b"anna"], trim=3))
    assert bench.dump("10") == before


async def test_of_two_owners_racing_with_one_number_one_wins(bench: Bench) -> None:
    await owned(bench)
    tries = [bench.store.commit(PLACE, write(1, b"racer-%d" % i, outbox=[b"from-%d" % i])) for i in range(8)]
    outcomes = await asyncio.gather(*tries)
    assert sorted(outcomes) == sorted([Outcome.OK] + [Outcome.WENT_BACK] * 7)
    winner = outcomes.index(Outcome.OK)
    assert await bench.store.outbox(PLACE) == [b"e1", b"e2", b"e3", b"from-%d" % winner]
    assert await bench.store.outbox(PLACE, 1, 2) == [b"e2", b"e3"]
    assert await bench.store.outbox(PLACE, 3) == [b"from-%d" % winner]
    assert await bench.store.outbox(PLACE, 4, 2) == []


# ---------------------------------------------------------------- refusals


async def test_a_trim_longer_than_the_outbox_is_refused_and_nothing_is_written(bench: Bench) -> None:
    before = (await owned(bench)).dump(PLACE)
    too_long = write(1, b"n1", **FULL | {"trim": 4})
    with pytest.raises(StoreRefused, match="trim of 4 from an outbox of 3"):
        await bench.store.commit(PLACE, too_long)
    assert bench.dump(PLACE) == before
    assert await bench.store.commit(PLACE, replace(too_long, trim=3)) is Outcome.OK


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"token": b""}, "token"),
        ({"nonce": b""}, "nonce"),
        ({"expected": -1}, "expected -1"),
        ({"trim": -1}, "trim -1"),
        ({"dues": [(1.0, b"a"), (math.nan, b"anna")]}, "score nan"),
        ({"dues": [(math.inf, b"anna")]}, "score inf"),
        ({"dues": [(-math.inf, b"anna")]}, "score -inf"),
        ({"values": [(b"c:anna", b""), (b"outbox", b"")]}, "reserved"),
        ({"removed": [b"meta"]}, "reserved"),
    ],
)
async def test_a_write_that_makes_no_sense_is_refused_before_it_is_sent(
    bench: Bench, wrong: dict[str, Any], named: str
) -> None:
    before = (await owned(bench)).dump(PLACE)
    with pytest.raises(ValueError, match=named):
        await bench.store.commit(PLACE, replace(write(1, b"n1", **FULL), **wrong))
    assert bench.dump(PLACE) == before


async def test_an_empty_token_cannot_be_minted(bench: Bench) -> None:
    await bench.store.create(PLACE, b"")
    with pytest.raises(ValueError, match="token"):
        await bench.store.mint(PLACE, b"")


@pytest.mark.parametrize("place", ["", "a:b", "a{b", "a}b"])
async def test_a_place_whose_keys_could_be_another_places_is_refused(bench: Bench, place: str) -> None:
    with pytest.raises(ValueError, match="namespace"):
        await bench.store.create(place, b"")


# ---------------------------------------------------------------- reads


async def test_load_keeps_the_order_asked_for_with_none_for_what_is_missing(bench: Bench) -> None:
    await owned(bench)
    names = [b"c:bert", b"c:nobody", b"c:anna", b"c:bert"]
    assert await bench.store.load(PLACE, names) == [b"2", None, b"1", b"2"]
    assert await bench.store.load(PLACE, []) == []
    with pytest.raises(ValueError, match="reserved"):
        await bench.store.load(PLACE, [b"due"])


async def test_due_members_come_by_score_and_then_by_their_bytes(bench: Bench) -> None:
    await owned(bench)
    members = [b"b", b"a", b"", b"\xff", b"aa", b"B", b"\x00", b"a\x00"]
    dues = [(3.0, member) for member in members] + [(2.0, b"z"), (-1.0, b"y"), (3.5, b"a3")]
    await bench.store.commit(PLACE, write(1, b"n1", dues=dues, undue=[b"anna", b"bert"]))
    ordered = sorted(dues)
    assert await bench.store.due(PLACE, math.inf, 100) == ordered
    assert await bench.store.due(PLACE, 3.0, 100) == ordered[:-1]
    assert await bench.store.due(PLACE, 3.0, 4) == ordered[:4]
    assert await bench.store.due(PLACE, 2.999, 100) == [(-1.0, b"y"), (2.0, b"z")]
    assert await bench.store.due(PLACE, -2, 100) == []
    assert await bench.store.due(PLACE, 3.0, 0) == []
    assert await bench.store.due_count(PLACE, 3) == len(dues) - 1
    assert await bench.store.due_count(PLACE, -math.inf) == 0


async def test_due_scores_are_exact_up_to_the_last_bit(bench: Bench) -> None:
    await owned(bench)
    scores = [15e12, 15e12 + 1, 15e12 - 0.001953125, 2.0**53 - 1, 0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.5]
    dues = [(score, b"m%d" % i) for i, score in enumerate(scores)] + [(15_000_000_000_123, b"an int")]
    await bench.store.commit(PLACE, write(1, b"n1", dues=dues, undue=[b"anna", b"bert"]))
    assert await bench.store.due(PLACE, math.inf, 100) == sorted(dues)
    for score in scores:
        assert await bench.store.due_count(PLACE, score) == sum(1 for other, _ in dues if other <= score)
        below = math.nextafter(score, -math.inf)
        assert await bench.store.due_count(PLACE, below) == sum(1 for other, _ in dues if other <= below)


async def test_bounds_that_mean_nothing_are_refused(bench: Bench) -> None:
    with pytest.raises(ValueError, match="up_to nan"):
        await bench.store.due(PLACE, math.nan, 1)
    with pytest.raises(ValueError, match="up_to nan"):
        await bench.store.due_count(PLACE, math.nan)
    with pytest.raises(ValueError, match="limit -1"):
        await bench.store.due(PLACE, 1.0, -1)


async def test_every_byte_survives_everywhere(bench: Bench) -> None:
    odd = [EVERY_BYTE, b"", b"\r\n", b"$-1\r\n", b"{x}:meta", b"c:" + EVERY_BYTE, "Zoë".encode()]
    await bench.store.create(PLACE, EVERY_BYTE)
    await bench.store.mint(PLACE, EVERY_BYTE)
    everything = Write(
        token=EVERY_BYTE,
        expected=0,
        nonce=EVERY_BYTE[::-1],
        body=EVERY_BYTE * 3,
        values=[(name, name[::-1]) for name in odd],
        dues=[(float(i), member) for i, member in enumerate(odd)],
        outbox=odd,
    )
    assert await bench.store.commit(PLACE, everything) is Outcome.OK
    assert await bench.store.commit(PLACE, everything) is Outcome.AGAIN
    assert await bench.store.read_meta(PLACE) == Meta(EVERY_BYTE, 1, EVERY_BYTE[::-1], EVERY_BYTE * 3)
    assert await bench.store.load(PLACE, odd) == [name[::-1] for name in odd]
    assert await bench.store.due(PLACE, 100, 100) == list(everything.dues)
    assert await bench.store.outbox(PLACE) == odd
    await bench.store.commit(PLACE, replace(everything, expected=1, nonce=b"2", values=[], removed=odd, undue=odd))
    assert await bench.store.load(PLACE, odd) == [None] * len(odd)


# ---------------------------------------------------------------- size


@pytest.mark.slow
async def test_a_large_write_is_one_write(bench: Bench) -> None:
    await owned(bench)
    shuffled = random.Random(5)
    values = [(b"c:%d" % i, b"v%d" % i) for i in range(20_000)]
    dues = [(float(shuffled.randrange(1_000)) + 15e12, b"m%d" % i) for i in range(20_000)]
    entries = [b"entry %d" % i for i in range(10_000)]
    large = write(1, b"n1", values=values, dues=dues, outbox=entries, undue=[b"anna", b"bert"], trim=3)
    assert await bench.store.commit(PLACE, large) is Outcome.OK
    assert await bench.store.commit(PLACE, large) is Outcome.AGAIN
    after = bench.dump(PLACE)
    assert after.values == dict(values) | {b"c:anna": b"1", b"c:bert": b"2"}
    assert after.dues == {member: score for score, member in dues}
    assert after.outbox == tuple(entries)
    assert await bench.store.load(PLACE, [name for name, _ in values]) == [value for _, value in values]
    assert await bench.store.due(PLACE, math.inf, 30_000) == sorted(dues)

    gone = write(
        2,
        b"n2",
        removed=[name for name, _ in values],
        undue=[member for _, member in dues],
        trim=10_000,
    )
    assert await bench.store.commit(PLACE, gone) is Outcome.OK
    after = bench.dump(PLACE)
    assert after.values == {b"c:anna": b"1", b"c:bert": b"2"}
    assert (after.dues, after.outbox) == ({}, ())


@pytest.mark.parametrize("n", [1_999, 2_000, 2_001, 3_999, 4_000, 4_001])
async def test_writes_around_a_chunk_lose_nothing_at_the_seam(bench: Bench, n: int) -> None:
    await owned(bench)
    values = [(b"c:%d" % i, b"v%d" % i) for i in range(n)]
    dues = [(float(i), b"m%d" % i) for i in range(n)]
    entries = [b"entry %d" % i for i in range(n)]
    first = write(1, b"n1", values=values, dues=dues, outbox=entries)
    assert await bench.store.commit(PLACE, first) is Outcome.OK
    after = bench.dump(PLACE)
    assert (len(after.values), len(after.dues), len(after.outbox)) == (n + 2, n + 2, n + 3)
    assert after.outbox[3:] == tuple(entries)
    second = write(2, b"n2", removed=[name for name, _ in values], undue=[m for _, m in dues], trim=n)
    assert await bench.store.commit(PLACE, second) is Outcome.OK
    after = bench.dump(PLACE)
    assert (len(after.values), len(after.dues), len(after.outbox)) == (2, 2, 3)
