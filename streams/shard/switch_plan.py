"""The record that an application was switched off: its outputs are another one's, and no worker takes a shard over."""

from __future__ import annotations

from typing import Literal

import msgspec

from streams.errors import EngineError, ExitCode, StateUnreadable
from streams.store import Store

NAMESPACE = "switch"
SCHEMA = 1


class SwitchedOff(EngineError):
    """Another application has taken this one's outputs over."""

    code = ExitCode.SWITCHED_OFF
    remedy = (
        "start workers with RETENTION_APP of the application that the message names; where `retention switch` was "
        "interrupted run it again first; this one's state stays readable (`retention customer`)"
    )


class SwitchPlan(msgspec.Struct, frozen=True):
    """to: the application that takes over. stage: `withdrawn`: nothing was handed over."""

    schema: int
    to: str
    stage: Literal["begun", "done", "withdrawn"] = "begun"


_decode = msgspec.json.Decoder(SwitchPlan).decode
pack_switch = msgspec.json.Encoder().encode


def unpack_switch(body: bytes) -> SwitchPlan:
    """Raises StateUnreadable."""
    try:
        plan = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateUnreadable(f"the plan of the switch, {len(body)} bytes: {error}") from error
    if plan.schema != SCHEMA:
        raise StateUnreadable(f"the plan of the switch has schema {plan.schema}; this release reads {SCHEMA}")
    return plan


async def refuse_switched_off(store: Store) -> None:
    """Raises SwitchedOff once a switch has begun. For workers."""
    meta = await store.read_meta(NAMESPACE)
    if meta is not None and (plan := unpack_switch(meta.body)).stage != "withdrawn":
        done = "has taken over" if plan.stage == "done" else "is taking over"
        raise SwitchedOff(f"the application {plan.to!r} {done} the outputs of this one")
