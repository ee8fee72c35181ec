"""Runs of arguments are the arguments they stand for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio.connection import Connection

from streams.store.redis.connection import PackedConnection
from streams.store.redis.packing import Run, flat

items = st.lists(st.one_of(st.binary(max_size=40), st.just(b"same"), st.just(b"size")), max_size=12)


@given(st.lists(st.tuples(items, st.sampled_from([b"", b"{app:3}:"])), min_size=1, max_size=4), st.booleans())
def test_a_command_of_runs_is_packed_as_the_same_command_laid_out(
    parts: list[tuple[list[bytes], bytes]], with_plain: bool
) -> None:
    plain: list[str | bytes] = ["EVALSHA", b"\r\n", b"7"] if with_plain else ["EVALSHA"]
    command = [*plain, *(Run(run, prefix) for run, prefix in parts)]
    laid_out = [*plain, *(prefix + item for run, prefix in parts for item in run)]
    assert flat(command) == laid_out
    buffers = PackedConnection().pack_command(*command)
    assert b"".join(buffers) == b"".join(Connection().pack_command(*laid_out))
    assert all(buffers), "asyncio of Python 3.12 writes an empty buffer for ever"


@pytest.mark.parametrize("size", [0, 312, 100_000])
def test_equally_long_arguments_are_packed_as_others_are(size: int) -> None:
    values = [bytes([n]) * size for n in range(20)]
    packed = b"".join(PackedConnection().pack_command("MSET", Run(values)))
    assert packed == b"".join(Connection().pack_command("MSET", *values))
