"""The flag of what operators have stopped: one key of the application, beside all shards.

A shard learns of a stop from its log, when it comes to it. Publishers, and whoever asks if a trigger is still valid,
read the flag: so a stop is in force at once, also of what a shard has in its outbox while it lags or is parked. It is
written before the log's records. What ends is kept by number, so that a shard that still has a stop does not hold back
what goes on.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

import msgspec

from models.timeline.stop_types import Stops
from streams.errors import StateUnreadable
from streams.store.port import Outcome, Store, StoreUnavailable, Write

FLAG: Final = "stops"
"""Its namespace, of which only the meta is there."""
TRIES: Final = 20
"""Of a change: another operator may make one at the same moment."""
_decode = msgspec.json.Decoder(Stops).decode
_encode = msgspec.json.Encoder().encode


async def read_flag(store: Store) -> Stops:
    """What is stopped; nothing, where no operator ever stopped anything.

    Raises StoreUnavailable, StateUnreadable.
    """
    meta = await store.read_meta(FLAG)
    return Stops() if meta is None else _read(meta.body)


async def change_flag(store: Store, change: Callable[[Stops], Stops]) -> Stops:
    """Change the flag as nobody else does meanwhile; what it is then.

    Raises StoreUnavailable, StateUnreadable, and what `change` raises.
    """
    for _ in range(TRIES):
        token = os.urandom(16).hex().encode()
        await store.create(FLAG, _encode(Stops()))
        meta = await store.mint(FLAG, token)
        if meta is None:
            continue
        wanted = change(_read(meta.body))
        outcome = await store.commit(FLAG, Write(token, meta.number, os.urandom(8), _encode(wanted)))
        if outcome.stands:
            return wanted
        if outcome is not Outcome.FENCED:
            raise StoreUnavailable(f"the flag of stops is not as it was read ({outcome}); try again")
    raise StoreUnavailable(f"others changed the flag of stops {TRIES} times meanwhile; try again")


def _read(body: bytes) -> Stops:
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateUnreadable(f"the flag of stops, {len(body)} bytes: {error}") from error
