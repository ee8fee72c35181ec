"""The plans that run for a customer, as the record has them. Times are log time in ms, whole seconds."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from models.customer.moments import second_of
from models.settings import SECOND

MAX_RUNNING: Final = 4
"""Plans that run for a customer at a time: beyond, none begins."""


class Running(NamedTuple):
    """A plan that has begun.

    plan: `number_of` its name; of an action with a second step that of the action. began: when. next: the step that is
    to come, from 1 on. due: when it is; 0: it comes with a level of risk. left_out: a bit for each step that a
    touchpoint has left out. at: of a second step, the threshold of risk that asks it; 0.0: none.
    """

    plan: int
    began: int
    next: int
    due: int
    left_out: int = 0
    at: float = 0.0


_RUNNING = struct.Struct("<IIBIHd")


def pack_running(running: list[Running]) -> bytes:
    """As stored: 23 bytes each."""
    return b"".join(
        _RUNNING.pack(one.plan, second_of(one.began), one.next, second_of(one.due), one.left_out, one.at)
        for one in running
    )


def unpack_running(stored: bytes) -> list[Running]:
    """Inverse of `pack_running`."""
    return [
        Running(plan, began * SECOND, step, due * SECOND, left_out, at)
        for plan, began, step, due, left_out, at in _RUNNING.iter_unpack(stored)
    ]
