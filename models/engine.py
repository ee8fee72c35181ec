"""The engine: one piece of the line in, one commit's worth of changes out. Pure.

`apply` takes the shard's state, a piece of its line, the records of the customers it touches and the model version in
force, and returns what is to be committed. Whatever the pieces, the sum of what they return is the same. The way of a
touchpoint: a column of the batch (models.batch), a step in its customer's lane (models.walk), and, if it changes
something that has to be decided or said, an event (models.run).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.batch import Batch
from models.block import Block
from models.careful import NOBODYS_FAULT, TooManyFailures, carefully
from models.changes import Changes, Counted, gather
from models.churn import Scorer, Version
from models.line import Piece, ShardState
from models.run import Run
from models.settings import EngineSettings
from models.work import Work

__all__ = ["Changes", "Counted", "TooManyFailures", "apply", "needs"]


def apply(
    state: ShardState,
    settings: EngineSettings,
    topic: str,
    piece: Piece,
    batch: Batch,
    dues: Sequence[tuple[float, bytes]],
    loaded: Mapping[bytes, bytes | None],
    scorer: Scorer,
    adopted: Version | None,
    quiet_until: int = 0,
) -> Changes:
    """Apply a piece.

    topic: name of the input topic, for dead letters. dues: the due set's members before the piece's bound (a lower
    bound of what the records say). loaded: the stored bytes of every customer in `needs`, in that order. scorer: of the
    version in force. adopted: the version that came into force just before this piece, if one did. quiet_until: nobody
    is triggered before this time; an episode that is open then asks at its next estimate (a backfill's cut).

    Raises UnknownRecord when a stored record can't be read, TooManyFailures when the engine itself is broken. A row on
    which the engine raises otherwise becomes a dead letter; its neighbours are unharmed.
    """
    version = adopted.boundary if adopted else state.version

    def start() -> Run:
        work = Work(settings, state.partition, topic, version, scorer, batch, piece, quiet_until)
        return Run(state, work, Block(list(loaded), list(loaded.values())))

    run = start()
    try:
        run.to_the_end()
    except NOBODYS_FAULT:
        raise
    except Exception:  # noqa: BLE001 - whatever a row raised, the careful run finds which one it was
        run = start()
        carefully(run)
    return gather(state, run, dues, adopted)


def needs(piece: Piece, batch: Batch, dues: Sequence[tuple[float, bytes]]) -> list[bytes]:
    """The customers whose records a piece needs, each once."""
    names = dict.fromkeys([customer for _, customer in dues] + batch.columns.customers[piece.first : piece.last])
    names.pop(b"", None)  # records that concern no customer
    return list(names)
