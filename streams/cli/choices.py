"""What the commands have in common by which an operator chooses for all shards: settings, a policy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import click

from models.settings import SECOND
from streams.cli.options import echo
from streams.config import Config
from streams.operations.redis_access import store_of
from streams.store.port import Store

Read = tuple[Sequence[int], Sequence[int]]
"""The shards that have read a choice by now, and those that have not."""


def read_in_time(config: Config, read_by: Callable[[Store], Awaitable[Read]]) -> Read:
    """Wait for the shards. read_by: looks at the application's store until all have read the choice, or long enough."""

    async def looking() -> Read:
        async with store_of(config) as store:
            return await read_by(store)

    return asyncio.run(looking())


def say_read(read: Read, command: str) -> None:
    """Say who has read a choice. command: that shows who has later, such as ``retention settings show``."""
    have, lack = read
    if lack:
        told = f"not read yet by shard {', '.join(map(str, lack))}: it counts there once a worker comes to it"
        echo(f"warning: {told}; `{command}` tells", err=True)
    else:
        echo(f"read by all {len(have)} shards")


def ms_of_time(told: str | None, hint: str) -> int:
    """A time of the command line in ms; 0: none is given."""
    if told is None:
        return 0
    try:
        stated = datetime.fromisoformat(told)
    except ValueError as error:
        raise click.BadParameter(f"{told!r}: give a time such as 2026-12-01T00:00:00Z", param_hint=hint) from error
    return round((stated if stated.tzinfo else stated.replace(tzinfo=UTC)).timestamp() * SECOND)
