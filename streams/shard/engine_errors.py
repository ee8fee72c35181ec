"""What the pure engine raises, as the errors that park a shard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from models.customer.tail import UnknownRecord
from models.customer.versions import NewerRecord
from models.decisions.policy.reading import PolicyOfAnotherRelease
from models.engine.row_by_row import TooManyFailures
from models.timeline.received import RecordsMissing
from streams.errors import EngineFailing, LogTruncated, NewerRelease, StateUnreadable


@contextmanager
def engine_errors(namespace: str) -> Iterator[None]:
    """Around the engine's work on a shard.

    Raises:
        NewerRelease: a record, or a policy, is of a form that this release does not know.
        StateUnreadable: a record can't be read.
        LogTruncated: a record that another shard has sent is not in the log.
        EngineFailing: too many rows in a row made the engine raise.
    """
    try:
        yield
    except NewerRecord as error:
        raise NewerRelease(f"shard {namespace}: {error}") from error
    except UnknownRecord as error:
        raise StateUnreadable(f"shard {namespace}: {error}") from error
    except PolicyOfAnotherRelease as error:
        raise NewerRelease(f"shard {namespace}: a policy that this release can't read: {error}") from error
    except RecordsMissing as error:
        raise LogTruncated(f"shard {namespace}: {error}") from error
    except TooManyFailures as error:
        raise EngineFailing(f"shard {namespace}: {error}") from error
