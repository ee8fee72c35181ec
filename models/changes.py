"""From what a run did to what one commit writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from models.adoption import IN_FORCE
from models.calendar import NEVER
from models.churn import Version
from models.line import Piece, ShardState
from models.outputs import Decision, Position, Watermark, encode, output_id
from models.run import Run
from models.work import Said, Work


class Counted(msgspec.Struct, frozen=True, gc=False):
    """An output as it enters the outbox: `count` numbers the shard's outputs to this role, from 1 without gaps."""

    role: str
    count: int
    id: str
    key: bytes
    value: bytes
    time: int
    expires_at: int


@dataclass(slots=True)
class Changes:
    """What a commit writes: records by customer, due places (None: none any more), outputs in the order of the line.

    unsure, beyond: touchpoints of which the record can't tell whether they came before (`models.lanes.Count`), applied
    and taken for duplicates. They are reported, and no part of what is stored.
    """

    state: ShardState
    records: dict[bytes, bytes]
    dues: dict[bytes, float | None]
    outputs: list[Counted]
    unsure: int = 0
    beyond: int = 0


def gather(state: ShardState, run: Run, dues: Sequence[tuple[float, bytes]], adopted: Version | None) -> Changes:
    """Gather what a run did into one commit."""
    work, block, lanes = run.work, run.block, run.lanes
    exists = lanes["exists"] == 1
    changed = exists & (lanes["changed"] == 1)
    due = np.where(exists, block.dues(), NEVER)
    # The due set is a lower bound of the records: written when the due time moves to an earlier one, and for what was
    # found in it, which would otherwise be found again. What was found comes first in the block.
    moved = due < run.loaded_dues
    moved[: len({customer for _, customer in dues})] = True
    due_set: dict[bytes, float | None] = {
        block.names[row]: place if place != NEVER else None
        for row, place in zip(np.flatnonzero(moved).tolist(), due[moved].tolist(), strict=True)
    }
    bands = np.array(state.bands)
    bands -= np.bincount(run.loaded_bands[changed & block.known], minlength=len(bands))
    bands += np.bincount(block.rows["band"][changed], minlength=len(bands))
    return committed(state, work, adopted, run.counted(), bands.tolist(), block.pack(changed), due_set)


def committed(
    state: ShardState,
    work: Work,
    adopted: Version | None,
    counted: Counter[str],
    bands: Sequence[int],
    records: dict[bytes, bytes],
    dues: dict[bytes, float | None],
) -> Changes:
    """The shard's state after the piece, and what was said in it, in the order of the line.

    Args:
        state: the shard's, before the piece.
        work: the piece, and what was said.
        adopted: the version that came into force just before it, if one did.
        counted: what happened, by the fields of `models.line.Totals`, and `unsure` and `beyond`.
        bands: customers by `Band`, after the piece.
        records: the changed records in stored form, by customer.
        dues: the due places that change, by customer; None: none any more.
    """
    piece = work.piece
    cut = piece.cut or (0, b"")
    unsure, beyond = counted.pop("unsure", 0), counted.pop("beyond", 0)
    new = msgspec.structs.replace(
        state,
        fence=piece.next_offset,
        cut_place=cut[0],
        cut_customer=cut[1].decode(),
        time=piece.time,
        bands=tuple(bands),
        totals=state.totals.plus(counted),
        boundary=state.boundary if piece.watermark is None else piece.watermark,
        adopted=state.boundary,
        version=adopted.boundary if adopted else state.version,
    )
    said = [_in_force(state, piece, work, adopted)] if adopted else []
    said += [item for _, _, item in sorted(work.said, key=lambda entry: entry[:2])]
    if piece.watermark is not None:
        mark = Watermark(state.partition, piece.watermark)
        name = output_id("watermark", state.partition, piece.watermark)
        said.append(Said("examples", name, b"", mark, piece.watermark))
    changes = _numbered(new, records, dues, said)
    changes.unsure, changes.beyond = unsure, beyond
    return changes


def _in_force(state: ShardState, piece: Piece, work: Work, version: Version) -> Said:
    """The audit's record of a change of model version: from which log time and position it applies."""
    at = Position(state.partition, int(work.batch.offsets[piece.first]), due=True)
    late = state.boundary if state.adopted == state.boundary else None
    time = state.boundary if late is None else state.time
    name = output_id("version", state.partition, state.boundary, version.boundary)
    reason, champion, promoted = f"learned {version.learned}", "", version.promotion
    if promoted is not None and promoted.boundary > state.version:
        champion = promoted.champion
        reason += f"; {champion} is champion after {promoted.former}, chosen by {promoted.by}"
    decision = Decision(
        name, IN_FORCE, time, at, reason=reason, model_version=version.boundary, late=late, champion=champion
    )
    return Said("decisions", name, b"", decision, time)


def _numbered(
    state: ShardState, records: dict[bytes, bytes], dues: dict[bytes, float | None], said: Sequence[Said]
) -> Changes:
    """Give every output its shard's count per role."""
    counts = dict(state.counts)
    outputs = []
    for item in said:
        counts[item.role] = counts.get(item.role, 0) + 1
        value = encode(item.output)
        outputs.append(Counted(item.role, counts[item.role], item.id, item.key, value, item.time, item.expires_at))
    return Changes(msgspec.structs.replace(state, counts=counts), records, dues, outputs)
