"""Risk forecast of one stored customer under further silence, with a confidence interval."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.churn import SnapshotRefused, schema_in, unseal
from models.churn.forecast import Forecast, forecast
from models.churn.mixture.interval import interval
from models.churn.mixture.learner import MixtureLearner
from models.customer.block import Block
from models.customer.layout import LEFT, PURCHASE_DAYS, TICK
from models.features import bases_of
from models.learning.learner import Learning, LearningState
from models.learning.schema import schema_of
from models.settings import EngineSettings
from streams.errors import StateUnreadable
from streams.learner.lineage import FIRST, namespace_of
from streams.shard.meta import ShardBody, settings_of
from streams.store import Store

LEVEL = 0.9
"""Of the interval."""


class CustomerForecast(NamedTuple):
    """What further silence will bring to one customer.

    Attributes:
        at: the shard's log time, ms since the epoch.
        forecast: as of then.
        low, high: confidence interval of the probability now; None where the champion is a model that has none.
        enter: the threshold at which an episode opens.
    """

    at: int
    forecast: Forecast
    low: float | None
    high: float | None
    enter: float


async def customer_forecast(
    store: Store, body: ShardBody, settings: EngineSettings, customer: str, record: bytes
) -> CustomerForecast | None:
    """The forecast of a stored record.

    Args:
        store: holds the learner's state.
        body: of the record's shard.
        settings: those in force in it.
        customer: the id.
        record: as it is stored.

    Returns:
        None for a customer without a sign of staying, who has left or is lapsed, and where there is no learner of this
        release yet.

    Raises:
        StateUnreadable: the learner's state is damaged.
        UnknownRecord: the record is.
        StoreUnavailable, StoreRefused: as the store raises them.
    """
    born = settings_of(str(body.state.partition), body.creation)  # that is what the learner learns by
    learner = await _learner(store, schema_of(born))
    rows = Block([customer.encode()], [record]).rows
    ticks = rows["numbers"][0, PURCHASE_DAYS] > 0 and rows["times"][0, TICK] != 0 and not rows["flags"][0] & LEFT
    if learner is None or not ticks:
        return None
    try:
        state = unseal(learner, schema_of(born), LearningState)
        learning = Learning(born, len(state.shards), state)
    except (SnapshotRefused, TypeError, ValueError) as error:
        raise StateUnreadable(f"the learner's state: {error}") from error
    now, contest = body.state.time, learning.model
    bases = bases_of(rows, np.zeros(1, dtype=np.int64), now)
    low, high, champion = None, None, contest.models[contest.champion]
    if isinstance(champion, MixtureLearner):
        lows, highs = interval(champion.beliefs(learning.boundary or now), bases, LEVEL)
        low, high = float(lows[0]), float(highs[0])
    return CustomerForecast(now, forecast(contest.scorer(), bases[0], now, settings), low, high, settings.enter)


async def _learner(store: Store, schema: str) -> bytes | None:
    """The state of this release's learner. Another's is none; one that can't be read is for the caller to refuse."""
    own = await store.read_meta(namespace_of(schema))
    if own is not None:
        return own.body
    first = await store.read_meta(namespace_of(FIRST))
    return first.body if first is not None and schema_in(first.body) in (schema, None) else None
