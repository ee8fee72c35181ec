"""The time of an event: from its RFC 3339 text to milliseconds, and how it may lie beside its record's timestamp."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, overload

import numpy as np
from msgspec import Meta, json
from numpy.typing import NDArray

from models.touchpoints import limits

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_decoder: Final[json.Decoder[datetime]] = json.Decoder(Annotated[datetime, Meta(tz=True)])

Column = NDArray[np.int64]
Truths = NDArray[np.bool_]


def moment(text: str) -> datetime:
    """Return the moment that an RFC 3339 text names. Raises msgspec.ValidationError for any other text."""
    return _decoder.decode(json.encode(text))


def milliseconds(moment: datetime) -> int:
    """Return the whole milliseconds since the epoch."""
    since = moment - _EPOCH
    return since.days * 86_400_000 + since.seconds * 1_000 + since.microseconds // 1_000


@overload
def settle(stated: int, timestamp: int) -> tuple[int, bool, bool, bool]: ...


@overload
def settle(stated: Column, timestamp: Column) -> tuple[Column, Truths, Truths, Truths]: ...


def settle(stated: Any, timestamp: Any) -> tuple[Any, Any, Any, Any]:
    """Settle the time that an event states with the timestamp of its record; both in ms, numbers or columns.

    Returns the time clamped to the timestamp; whether it was skewed, that is, lay after the timestamp; whether it lay
    so far after it that no clock explains it; and whether it is too early, as an unset field is.
    """
    ahead = stated - timestamp
    skewed = ahead > 0
    time = stated - ahead * skewed
    return time, skewed, ahead > limits.MAX_AHEAD_MS, time < limits.EARLIEST_MS
