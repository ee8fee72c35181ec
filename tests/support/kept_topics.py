"""What a rehearsal has on its three topics: for the auditor, and as files for the commands that take `--files`."""

from __future__ import annotations

from pathlib import Path

from models.simulation.rehearsal import Rehearsal, Shard
from streams.operations.audit.files import written
from streams.operations.audit.records import Arrival, Line


def keep(world: Rehearsal, folder: Path) -> Path:
    """Write touchpoints.jsonl, triggers.jsonl and decisions.jsonl into `folder`, which is made. Gives it."""
    folder.mkdir(parents=True, exist_ok=True)
    for line in written(folder, lines_of(world)):
        for part in (line.touchpoints, line.triggers, line.decisions):
            for _ in part:
                pass
    return folder


def lines_of(world: Rehearsal) -> list[Line]:
    """A line for each shard, in order."""
    return [_line(number, shard) for number, shard in enumerate(world.shards)]


def _line(number: int, shard: Shard) -> Line:
    said = {role: [one.value for one in shard.outputs if one.role == role] for role in ("triggers", "decisions")}
    arrivals = [Arrival(one.offset, one.timestamp, one.key, one.value) for one in shard.log]
    return Line(number, arrivals, said["triggers"], said["decisions"])
