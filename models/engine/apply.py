"""The engine's pure function: records, timers and state in, the changes of one commit out.

`apply` takes the shard's state, a piece of its line, the records of the customers it touches and the model version in
force, and returns what is to be committed. Whatever the pieces, the sum of what they return is the same. The way of a
touchpoint: a column of the batch (models.timeline.batch), a step in its customer's lane (models.engine.customer_loop),
and, if it changes something that has to be decided or emitted, an effect (models.engine.effects).
"""

from __future__ import annotations

from collections.abc import Sequence

from models.customer.block import Block
from models.engine.changes import Changes, NumberedOutput, gather
from models.engine.in_line import to_the_end_in_line
from models.engine.output_buffer import Work
from models.engine.piece_input import DueItem, PieceInput, Scoring
from models.engine.piece_run import Run
from models.engine.row_by_row import NOT_ATTRIBUTABLE, TooManyFailures, isolate_failures
from models.timeline.batch import Batch
from models.timeline.pieces import Piece

__all__ = ["Changes", "NumberedOutput", "TooManyFailures", "apply", "needs"]


def apply(given: PieceInput, scoring: Scoring) -> Changes:
    """Apply a piece. A row on which the engine raises becomes a dead letter; its neighbours are unharmed.

    Raises:
        UnknownRecord: a stored record can't be read.
        TooManyFailures: the engine itself is broken.
    """

    def start() -> Run:
        block = Block(list(given.loaded), list(given.loaded.values()))
        return Run(given.state, Work.of(given, scoring), block)

    run = start()
    try:
        if run.work.shared is None:
            run.to_the_end()
        else:
            to_the_end_in_line(run)
    except NOT_ATTRIBUTABLE:
        raise
    except Exception:  # noqa: BLE001 - whatever a row raised, the run row by row finds which one it was
        run = start()
        isolate_failures(run)
    run.write_loops()
    return gather(given.state, run, given.dues, scoring.adopted)


def needs(piece: Piece, batch: Batch, dues: Sequence[DueItem]) -> list[bytes]:
    """The customers whose records a piece needs, each once."""
    names = dict.fromkeys([customer for _, customer in dues] + batch.columns.customers[piece.first : piece.last])
    names.pop(b"", None)  # records that concern no customer
    return list(names)
