"""Collects the results of a processed piece into the changes of one commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
from msgspec import UNSET

from models.churn import Version, lineage_name
from models.engine.draws import counted as draws_counted
from models.engine.draws import with_draws
from models.engine.output_buffer import Emitted, Work
from models.engine.piece_run import Run
from models.engine.shared_state import held_at
from models.engine.staged import restaged, stages_moved, with_stages
from models.engine.valued import moves, recounted, with_values, worth_in
from models.outputs import (
    IN_FORCE,
    POLICY_IN_FORCE,
    POLICY_WAITING,
    REQUESTS,
    RESUMED,
    SETTINGS_IN_FORCE,
    SETTINGS_WAITING,
    STOPPED,
    TASK,
    Decision,
    Loopback,
    Position,
    Watermark,
    encode,
    output_id,
)
from models.timeline.chosen_policy import PolicyChange
from models.timeline.chosen_settings import Change
from models.timeline.order import NEVER
from models.timeline.partitioning import partition_of
from models.timeline.pieces import Piece
from models.timeline.shard_state import ShardState, sequence_name
from models.timeline.stops import StopChange


class NumberedOutput(msgspec.Struct, frozen=True, gc=False):
    """An output as it enters the outbox. `sequence` numbers the shard's outputs to this role, from 1 without gaps.
    partition: to which it goes; None: that of its shard."""

    role: str
    sequence: int
    id: str
    key: bytes
    value: bytes
    time: int
    expires_at: int
    partition: int | None = None


@dataclass(slots=True)
class Changes:
    """What a commit writes: records by customer, timer positions (None: none any more), outputs in the order of the
    line, and whose records leave the store.

    unsure, beyond: touchpoints of which the record can't tell whether they came before (`models.engine.lanes.Count`),
    applied and taken for duplicates. They are reported, and no part of what is stored; neither is `decided`, how many
    decisions a policy came to, by what and by the gate that held (`counted_as`).
    """

    state: ShardState
    records: dict[bytes, bytes]
    dues: dict[bytes, float | None]
    outputs: list[NumberedOutput]
    removed: list[bytes] = field(default_factory=list)
    unsure: int = 0
    beyond: int = 0
    decided: Counter[tuple[str, str]] = field(default_factory=Counter)


def gather(state: ShardState, run: Run, dues: Sequence[tuple[float, bytes]], adopted: Version | None) -> Changes:
    """Gather what a run did into one commit."""
    work, block, lanes = run.work, run.block, run.lanes
    exists = lanes["exists"] == 1
    changed = exists & (lanes["changed"] == 1)
    left = ~exists & (lanes["changed"] == 1) & block.known
    due = np.where(exists, block.dues(), NEVER)
    # The due set is a lower bound of the records: written when the due time moves to an earlier one, when nothing is
    # due any more (who is in it does not depend on where commits cut the line), and for what was found in it, which
    # would otherwise be found again. What was found comes first in the block.
    moved = (due < run.loaded_dues) | ((due == NEVER) & (run.loaded_dues != NEVER))
    moved[: len({customer for _, customer in dues})] = True
    due_set: dict[bytes, float | None] = {
        block.names[row]: position if position != NEVER else None
        for row, position in zip(np.flatnonzero(moved).tolist(), due[moved].tolist(), strict=True)
    }
    bands = np.array(state.bands)
    bands -= np.bincount(run.loaded_bands[(changed | left) & block.known], minlength=len(bands))
    bands += np.bincount(block.rows["band"][changed], minlength=len(bands))
    removed = [block.names[row] for row in np.flatnonzero(left).tolist()]
    held = worth_in(lanes, exists)
    moved_values = moves(block.worth, held)
    block.worth = held
    staged = stages_moved(block, exists)
    records = block.pack(changed)
    counted = run.counted()
    return committed(state, work, adopted, counted, bands.tolist(), records, due_set, removed, moved_values, staged)


def committed(
    state: ShardState,
    work: Work,
    adopted: Version | None,
    counted: Counter[str],
    bands: Sequence[int],
    records: dict[bytes, bytes],
    dues: dict[bytes, float | None],
    removed: list[bytes],
    moved: Sequence[tuple[int, int, int, int]] = (),
    staged: Sequence[tuple[int, int]] = (),
) -> Changes:
    """The shard's state after the piece, and its outputs, in the order of the line.

    Args:
        state: the shard's, before the piece.
        work: the piece, and its outputs.
        adopted: the version that came into force just before it, if one did.
        counted: what happened, by the fields of `models.timeline.shard_state.Totals`, and `unsure` and `beyond`.
        bands: customers by `Band`, after the piece.
        records: the changed records in stored form, by customer.
        dues: the timer positions that change, by customer; None: no timer any more.
        removed: whose records leave the store.
        moved: whose value lies elsewhere than before (`models.engine.valued.moves`).
        staged: who is at another stage of the loyalty loop (`models.engine.staged.stages_moved`).
    """
    piece = work.piece
    commit_position = piece.commit_position or (0, b"")
    unsure, beyond = counted.pop("unsure", 0), counted.pop("beyond", 0)
    new = msgspec.structs.replace(
        state,
        next_offset=piece.next_offset,
        commit_position=commit_position[0],
        commit_customer=commit_position[1].decode(),
        time=piece.time,
        bands=tuple(bands),
        totals=state.totals.plus(counted),
        boundary=state.boundary if piece.watermark is None else piece.watermark,
        adopted=state.boundary,
        version=adopted.boundary if adopted else state.version,
        lineage=adopted.lineage if adopted else state.lineage,
        values=recounted(state.values, moved),
        draws=draws_counted(state.draws, (item.output for _, _, item in work.emitted)),
        received=work.arrived.counts,
        stages=restaged(state.stages, staged, work.policy),
    )
    shared, pulse, wanted = work.shared, None, dict[str, int]()
    if shared is not None:
        if piece.watermark is not None:
            shared.pass_boundary(new, piece.watermark, work.settings.horizon + work.settings.tick)
            wanted = shared.purse.wanted
            pulse = shared.pulse(new, piece.watermark, piece.watermark < work.quiet_until)
        new = shared.kept(new)
    if piece.watermark is not None and work.policy is not None:
        quiet = piece.watermark < work.quiet_until
        pulse = with_values(pulse, new, work.policy, piece.watermark, quiet)
        pulse = with_stages(pulse, new, work.policy, piece.watermark, quiet)
        pulse = with_draws(pulse, new, work.policy, piece.watermark, quiet, wanted)
        held = held_at(work.policy, new, piece.watermark)
        pulse = msgspec.structs.replace(pulse, held=held) if pulse is not None and held else pulse
    if piece.watermark is not None:
        new = msgspec.structs.replace(new, draws=UNSET)
    emitted = [_in_force(state, piece, work, adopted)] if adopted else []
    if work.change is not None and not work.change.refused:
        emitted += _settings(state, piece, work, work.change)
    if work.policy_change is not None and not work.policy_change.refused:
        emitted.append(_policy(state, piece, work, work.policy_change))
    if work.stop_change is not None and not work.stop_change.refused:
        emitted.append(_stop(state, piece, work, work.stop_change))
    emitted += [item for _, _, item in sorted(work.emitted, key=lambda entry: entry[:2])]
    if piece.watermark is not None:
        if pulse is not None:
            name = output_id("pulse", state.partition, piece.watermark)
            emitted.append(Emitted("examples", name, b"", pulse, piece.watermark))
        mark = Watermark(state.partition, piece.watermark)
        name = output_id("watermark", state.partition, piece.watermark)
        emitted.append(Emitted("examples", name, b"", mark, piece.watermark))
    new, outputs = _numbered(new, emitted)
    decided = Counter[tuple[str, str]]()
    said = (item.output for item in emitted if item.key)
    decided.update(
        counted_as(one) for one in said if isinstance(one, Decision) and (one.policy or one.what in REQUESTS)
    )
    return Changes(new, records, dues, outputs, removed, unsure, beyond, decided)


def counted_as(decision: Decision) -> tuple[str, str]:
    """What a decision by a policy came to, and what held it or took it back; empty: nothing did. A moment that is
    answered is ``triggered``, of the ``control`` group, ``left_alone`` by the draw, a `TASK`, or ``held`` for good."""
    what, gate = decision.what, decision.gate
    if what == "decided" and decision.action == TASK:
        return TASK, ""
    if what == "decided":
        answer = "control" if decision.control else "triggered" if decision.trigger else "left_alone"
        return ("held", gate) if gate else (answer, "")
    if decision.loyalty is not None:
        moved = decision.loyalty.stage != decision.loyalty.former and not decision.test
        return what, decision.loyalty.stage if moved else ""
    return what, decision.reason if what == "withdrawn" else gate


def _in_force(state: ShardState, piece: Piece, work: Work, version: Version) -> Emitted:
    """The audit's record of a change of model version: from which log time and position it applies."""
    at = Position(state.partition, int(work.batch.offsets[piece.first]), due=True)
    late = state.boundary if state.adopted == state.boundary else None
    time = state.boundary if late is None else state.time
    between = late is not None and state.commit_position != 0
    lineage = lineage_name(version.lineage)
    of_another = (lineage,) if lineage else ()
    name = output_id("version", state.partition, state.boundary, version.boundary, *of_another)
    reason, champion, promoted = f"learned {version.learned}", "", version.promotion
    if promoted is not None and promoted.boundary > state.version:
        champion = promoted.champion
        reason += f"; {champion} is champion after {promoted.former}, chosen by {promoted.by}"
    decision = Decision(
        name,
        IN_FORCE,
        time,
        at,
        reason=reason,
        model_version=version.boundary,
        late=late,
        timer=(state.commit_position, state.commit_customer) if between else None,
        champion=champion,
        lineage=lineage,
    )
    return Emitted("decisions", name, b"", decision, time)


def _settings(state: ShardState, piece: Piece, work: Work, change: Change) -> list[Emitted]:
    """The audit's record of settings that an operator chose: nothing, where they are those in force."""
    chosen, differing = change.chosen, change.differing
    if not differing:
        return []
    at = Position(state.partition, int(work.batch.offsets[piece.first]), due=not change.at_record)
    time = max(state.time, int(work.batch.reached[piece.first])) if change.at_record else state.boundary
    what = SETTINGS_WAITING if change.waits else SETTINGS_IN_FORCE
    reason = f"chosen by {chosen.by or 'an operator'}" + (f", from {chosen.at} on" if change.waits else "")
    name = output_id(what, state.partition, chosen.number, chosen.digest)
    decision = Decision(name, what, time, at, reason=reason, settings=differing)
    return [Emitted("decisions", name, b"", decision, time)]


def _policy(state: ShardState, piece: Piece, work: Work, change: PolicyChange) -> Emitted:
    """The audit's record of a policy that an operator applied."""
    at = Position(state.partition, int(work.batch.offsets[piece.first]), due=not change.at_record)
    time = max(state.time, int(work.batch.reached[piece.first])) if change.at_record else state.boundary
    what = POLICY_WAITING if change.waits else POLICY_IN_FORCE
    reason = f"applied by {change.by or 'an operator'}" + (f", from {change.at} on" if change.waits else "")
    reason += f": {change.reason}" if change.reason else ""
    name = output_id(what, state.partition, change.policy.number, change.policy.sha256)
    decision = Decision(name, what, time, at, reason=reason, policy=change.policy.short)
    return Emitted("decisions", name, b"", decision, time)


def _stop(state: ShardState, piece: Piece, work: Work, change: StopChange) -> Emitted:
    """The audit's record of what an operator has stopped, or of stops that end."""
    at = Position(state.partition, int(work.batch.offsets[piece.first]), due=False)
    time = max(state.time, int(work.batch.reached[piece.first]))
    what, numbers = (RESUMED, change.numbers) if change.stop is None else (STOPPED, (change.stop.number,))
    told = f"stop {', '.join(map(str, numbers))}" + ("" if change.stop is None else f": {change.stop.words}")
    reason = f"{told}; by {change.by or 'an operator'}" + (f": {change.reason}" if change.reason else "")
    name = output_id(what, state.partition, *numbers)
    return Emitted("decisions", name, b"", Decision(name, what, time, at, reason=reason), time)


def _numbered(state: ShardState, emitted: Sequence[Emitted]) -> tuple[ShardState, list[NumberedOutput]]:
    """Give every output its sequence number within its role."""
    sequences, line = dict(state.sequences), state.line
    outputs = []
    for item in emitted:
        output, partition = item.output, None
        if isinstance(output, Loopback):
            partition = partition_of(item.key, state.partitions)
        name = sequence_name(item.role, partition)
        count = sequences[name] = sequences.get(name, 0) + 1
        if isinstance(output, Loopback):
            line = output.line(sequences) if line is UNSET else line
            output = output.counted(line, count)
        value = encode(output)
        outputs.append(
            NumberedOutput(item.role, count, item.id, item.key, value, item.time, item.expires_at, partition)
        )
    return msgspec.structs.replace(state, sequences=sequences, line=line), outputs
