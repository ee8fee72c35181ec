"""Reads what is stored of one customer, with the settings in force and the forecast, as far as they can be read."""

from __future__ import annotations

from typing import NamedTuple

from models.customer.tail import UnknownRecord
from models.decisions.policy.in_force import PolicyInForce
from models.settings import EngineSettings
from models.timeline.stop_types import Stop
from models.timeline.stops import in_force
from streams.errors import StateUnreadable
from streams.operations.customer.forecast import CustomerForecast, customer_forecast
from streams.operations.policy import shard_now
from streams.shard.meta import settings_in_force
from streams.store import Store


class StoredCustomer(NamedTuple):
    """What is known of a customer.

    Attributes:
        record: as it is stored; None where there is none.
        settings: those by which the shard keeps it, which need not be configured here; None where the shard's state
            can't be read.
        forecast: None where there is none, or the shard's or the learner's state can't be read.
        unreadable: why that can't be read; empty where it can.
        policy: that decides in the shard; None where none was applied, or it can't be read.
        time: the shard's log time, ms.
        stops: in force in the shard.
    """

    record: bytes | None
    settings: EngineSettings | None = None
    forecast: CustomerForecast | None = None
    unreadable: str = ""
    policy: PolicyInForce | None = None
    time: int = 0
    stops: tuple[Stop, ...] = ()


async def stored_customer(store: Store, partition: int, customer: str, foresee: bool = True) -> StoredCustomer:
    """Of a customer whose home is that partition. A record that can't be read is returned without a forecast.

    foresee: make the forecast. Raises StoreUnavailable.
    """
    shard, settings, policy, time = str(partition), None, None, 0
    [record] = await store.load(shard, [b"c:" + customer.encode()])
    try:
        now = await shard_now(store, shard)
        if now is None:
            return StoredCustomer(record)
        body, policy = now.body, now.policy
        time, settings = body.state.time, settings_in_force(shard, body)
        found = StoredCustomer(record, settings, policy=policy, time=time, stops=in_force(body.state).standing)
        if record is None or not foresee:
            return found
        return found._replace(forecast=await customer_forecast(store, body, settings, customer, record))
    except StateUnreadable as error:
        return StoredCustomer(record, settings, unreadable=str(error), policy=policy, time=time)
    except UnknownRecord:  # whoever unpacks it is told
        return StoredCustomer(record, settings, policy=policy, time=time)
