"""A worker as of an older release: `python -m benchmarks.older_worker [deaf] FILE`.

Its zone data lack what newer ones have, so that a shard whose policy names such a zone is parked. `deaf`: it does not
know stops either, neither their records, which become dead letters, nor the flag. For `benchmarks.month`.
"""

from __future__ import annotations

import os
import sys
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final, Union, get_args

import msgspec

import streams.bootstrap.worker as worker
from models.decisions import zones
from models.timeline.stop_types import Stops
from models.touchpoints import columns, reading
from models.touchpoints.union import EVENTS, Event
from streams.config import load

NEW_ZONE: Final = "America/Coyhaique"
"""Of the zone data of 2025 on; `NEW_ZONE` in a policy parks a shard of this worker."""
STOPS: Final = ("stopped", "resumed")


class _Older:
    """The zone data without the new one."""

    def __init__(self, place: Traversable) -> None:
        self._place = place

    def joinpath(self, *parts: str) -> Traversable:
        return self._place.joinpath("none" if "/".join(parts) == NEW_ZONE else "/".join(parts))


def deafen() -> None:
    """Have this process read touchpoints as before there were stops."""
    known = tuple(one for one in get_args(Event) if one.kind.type not in STOPS)
    decode: Any = msgspec.json.Decoder(Union[known]).decode  # noqa: UP007 - of a tuple
    for module in (reading, columns):
        vars(module)["decode"] = decode
    for name in STOPS:
        del EVENTS[name]

    async def no_flag(_: object) -> Stops:
        return Stops()

    vars(worker)["read_flag"] = no_flag


def main() -> None:
    *given, os.environ["RETENTION_CONFIG"] = sys.argv[1:]
    vars(zones)["files"] = lambda package: _Older(files(package))
    if "deaf" in given:
        deafen()
    worker.run_worker(load())


if __name__ == "__main__":
    main()
