"""The engine: one piece of the line in, one commit's worth of changes out. Pure.

`apply` takes the shard's state, a piece of its line, the records of the customers it touches and the model version in
force, and returns what is to be committed. Whatever the pieces, the sum of what they return is the same. The way of a
touchpoint: a column of the batch (models.batch), a step in its customer's lane (models.walk), and, if it changes
something that has to be decided or said, an event (models.run).
"""

from __future__ import annotations

from collections.abc import Sequence

from models.batch import Batch
from models.block import Block
from models.careful import NOBODYS_FAULT, TooManyFailures, carefully
from models.changes import Changes, Counted, gather
from models.line import Piece
from models.piece_input import DueItem, PieceInput, Scoring
from models.run import Run
from models.work import Work

__all__ = ["Changes", "Counted", "TooManyFailures", "apply", "needs"]


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
        run.to_the_end()
    except NOBODYS_FAULT:
        raise
    except Exception:  # noqa: BLE001 - whatever a row raised, the careful run finds which one it was
        run = start()
        carefully(run)
    return gather(given.state, run, given.dues, scoring.adopted)


def needs(piece: Piece, batch: Batch, dues: Sequence[DueItem]) -> list[bytes]:
    """The customers whose records a piece needs, each once."""
    names = dict.fromkeys([customer for _, customer in dues] + batch.columns.customers[piece.first : piece.last])
    names.pop(b"", None)  # records that concern no customer
    return list(names)
