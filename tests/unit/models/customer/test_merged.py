"""The protocol by which ids become one customer, explored: every order in which records are sent, sent again after a
crash, and read, of every few merges."""

from __future__ import annotations

from itertools import pairwise, permutations, product
from random import Random
from typing import NamedTuple

import pytest

from models.customer.layout import ERASED, LEFT, NO_CONSENT
from models.customer.merged import MERGED, is_merged, onward
from models.timeline.received import received
from models.touchpoints.limits import MAX_PATH
from models.touchpoints.types.identities import LoopbackData
from tests.support.families import slow_but

MOST_AGAIN = 1
"""How often a record is sent that was there already."""
LINE = 77
"""Of each sender: what it is called plays no part here."""


class Item(NamedTuple):
    """What arrives at an id: what is known of one that moves (tokens), or a touchpoint of its own (one token), or that
    the id is another's (`into`)."""

    at: str
    tokens: tuple[str, ...] = ()
    into: str = ""
    moved: bool = False
    path: tuple[str, ...] = ()
    sender: int = -1
    count: int = 0
    told_at: str = ""


class State(NamedTuple):
    """upstream: of each shard, what has not reached its log. logs: what has and is not read. outboxes: what is sent and
    may be sent again until it leaves the outbox, by sender and receiver; published: how many of it have been."""

    upstream: tuple[tuple[Item, ...], ...]
    logs: tuple[tuple[Item, ...], ...]
    outboxes: tuple[tuple[tuple[int, int], tuple[Item, ...]], ...]
    published: tuple[tuple[tuple[int, int], int], ...]
    again: int
    counts: tuple[tuple[tuple[int, int], int], ...]
    had: tuple[tuple[tuple[int, int], int], ...]
    ids: tuple[tuple[str, tuple[str, ...] | str], ...]
    refused: tuple[tuple[str, str], ...] = ()


def step_of(state: State, shard: int, homes: dict[str, int]) -> State:
    """A shard reads its next record and commits."""
    item, logs = state.logs[shard][0], list(state.logs)
    logs[shard] = state.logs[shard][1:]
    had, ids, counts, out = dict(state.had), dict(state.ids), dict(state.counts), dict(state.outboxes)
    state = state._replace(logs=tuple(logs))
    if item.sender >= 0:
        known = {sender: {LINE: count} for (sender, receiver), count in had.items() if receiver == shard}
        head = LoopbackData(sender=item.sender, line=LINE, count=item.count, path=item.path)
        after = received(known, [(0, head)], len(state.logs), lambda moved: None)
        if after.again:
            return state
        assert isinstance(after.counts, dict)
        assert not after.refused
        had[item.sender, shard] = after.counts[item.sender][LINE]

    def send(one: Item) -> None:
        way = (shard, homes[one.at])
        counts[way] = counts.get(way, 0) + 1
        out[way] = (*out.get(way, ()), one._replace(sender=shard, count=counts[way]))

    known_of = ids[item.at]
    if isinstance(known_of, str):
        hop = onward(item.at, known_of, item.path)
        if hop is not None:
            send(item._replace(at=hop.to, path=hop.path))
        elif item.moved:
            ids[item.at] = item.tokens
        else:
            ids[item.at] = ()
            send(item._replace(path=(item.at,)))
    elif item.into:
        if item.path and item.into != item.at:
            state = state._replace(refused=tuple(sorted({*state.refused, (item.told_at, item.into)})))
        elif item.into != item.at:
            send(Item(item.into, known_of, moved=True, path=(item.at,)))
            ids[item.at] = item.into
    else:
        ids[item.at] = (*known_of, *item.tokens)
    return state._replace(
        had=tuple(sorted(had.items())),
        ids=tuple(sorted(ids.items())),
        counts=tuple(sorted(counts.items())),
        outboxes=tuple(sorted(out.items())),
    )


def following(state: State, homes: dict[str, int]) -> list[State]:
    """All that may happen next."""
    found = []
    for shard, waiting in enumerate(state.upstream):
        if waiting:
            upstream, logs = list(state.upstream), list(state.logs)
            upstream[shard], logs[shard] = waiting[1:], (*logs[shard], waiting[0])
            found.append(state._replace(upstream=tuple(upstream), logs=tuple(logs)))
    found += [step_of(state, shard, homes) for shard, log in enumerate(state.logs) if log]
    published = dict(state.published)
    for way, items in state.outboxes:
        if not items:
            continue
        logs = list(state.logs)
        logs[way[1]] = (*logs[way[1]], items[0])
        trimmed = tuple((one, entries[1:] if one == way else entries) for one, entries in state.outboxes)
        found.append(state._replace(logs=tuple(logs), outboxes=trimmed))
        if published.get(way, 0) + sum(published.values()) < state.again:  # dies between sending and trimming
            more = tuple(sorted({**published, way: published.get(way, 0) + 1}.items()))
            found.append(state._replace(logs=tuple(logs), published=more))
    return found


def explored(merges: list[tuple[str, str]], homes: dict[str, int], again: int) -> int:
    """Go through all states; at each end nothing is lost or doubled, and all ids of one customer lead to one."""
    shards = max(homes.values()) + 1
    upstream = [[] for _ in range(shards)]
    for name, into in merges:
        upstream[homes[name]].append(Item(name, into=into, told_at=name))
    for name in homes:
        upstream[homes[name]].append(Item(name, (f"{name} later",)))
    empty: tuple[Item, ...] = ()
    start = State(
        tuple(map(tuple, upstream)), (empty,) * shards, (), (), again, (), (),
        tuple(sorted((name, (name,)) for name in homes)),
    )  # fmt: skip
    seen, todo, ends = {start}, [start], 0
    while todo:
        state = todo.pop()
        nexts = following(state, homes)
        if not nexts:
            ends += 1
            check(state, merges)
        for one in nexts:
            if one not in seen:
                seen.add(one)
                todo.append(one)
    return ends


def check(state: State, merges: list[tuple[str, str]]) -> None:
    ids = dict(state.ids)
    tokens = sorted(token for known in ids.values() if not isinstance(known, str) for token in known)
    assert tokens == sorted(token for name in ids for token in (name, f"{name} later")), (merges, ids)

    def end(name: str) -> str:
        passed = set()
        while isinstance(known := ids[name], str):
            assert name not in passed, ("a circle", merges, ids)
            passed.add(name)
            name = known
        return name

    for one, other in merges:
        assert end(one) == end(other) or (one, other) in state.refused, (merges, ids)
    of_two = {one for one, _ in merges if len({into for name, into in merges if name == one}) > 1}
    assert {one for one, _ in state.refused} <= of_two


TWO = {"a": 0, "b": 1}
THREE = {"a": 0, "b": 1, "c": 0}


TO_AND_FRO = [[("a", "b")], [("a", "b"), ("b", "a")], [("b", "a"), ("a", "b"), ("b", "a")]]


@pytest.mark.parametrize("merges", slow_but(TO_AND_FRO, TO_AND_FRO[:2]))
@pytest.mark.parametrize("homes", [TWO, {"a": 0, "b": 0}])
def test_two_ids_in_every_order(merges: list[tuple[str, str]], homes: dict[str, int]) -> None:
    assert explored(merges, homes, again=2) >= 1


WAYS = list(product(permutations("abc", 2), repeat=2))


@pytest.mark.parametrize("ways", slow_but(WAYS, WAYS[::5]), ids=str)
def test_three_ids_and_any_two_merges_in_every_order(ways: tuple[tuple[str, str], tuple[str, str]]) -> None:
    assert explored(list(ways), THREE, again=1) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("circle", [[("a", "b"), ("b", "c"), ("c", "a")], [("c", "b"), ("b", "a"), ("a", "c")]])
def test_a_circle_of_three_in_every_order(circle: list[tuple[str, str]]) -> None:
    assert explored(circle, THREE, again=0) >= 1


def test_no_other_record_has_both_flags() -> None:
    assert is_merged(MERGED | NO_CONSENT)
    assert not is_merged(ERASED | NO_CONSENT)
    assert not is_merged(LEFT)


def walk(into: dict[str, str], start: str, most: int) -> tuple[str, bool]:
    """Where something ends that comes at an id, and whether that is its own again."""
    at, path, hops = start, tuple[str, ...](), 0
    for _ in range(most):
        if at not in into:
            return at, False
        hop = onward(at, into[at], path, hops)
        if hop is None:
            return at, True
        at, path, hops = hop
        assert len(path) <= MAX_PATH
        assert path[0] == start
    raise AssertionError("it does not end")


@pytest.mark.parametrize("length", [1, 15, 16, 17, 40, 300])
@pytest.mark.parametrize("circle", [0, 2, 13, 16, 17, 18, 40, pytest.param(300, marks=pytest.mark.slow)])
@pytest.mark.parametrize("order", ["up", "down", *range(4)])
def test_a_chain_ends_where_it_ends_and_of_a_circle_the_smallest_stays(
    length: int, circle: int, order: str | int
) -> None:
    """A chain of a length leads into a circle, or to somebody."""
    names = [f"{n:04}" for n in range(length + (circle or 1))]
    if order == "down":
        names.reverse()
    elif isinstance(order, int):
        Random(order).shuffle(names)
    into = dict(pairwise(names))
    if circle:
        into[names[-1]] = names[length]
    end = min(names[length:]) if circle else names[-1]
    for start in names:
        assert walk(into, start, most=4 * length + 8 * circle + 40) == (end, bool(circle))
