"""Reads what is stored of one customer, with the settings in force and the forecast, as far as they can be read."""

from __future__ import annotations

from typing import NamedTuple

from models.customer.tail import UnknownRecord
from models.settings import EngineSettings
from streams.errors import StateUnreadable
from streams.operations.customer.forecast import CustomerForecast, customer_forecast
from streams.shard.meta import settings_in_force, unpack_body
from streams.store import Store


class StoredCustomer(NamedTuple):
    """What is known of a customer.

    Attributes:
        record: as it is stored; None where there is none.
        settings: those by which the shard keeps it, which need not be configured here; None where the shard's state
            can't be read.
        forecast: None where there is none, or the shard's or the learner's state can't be read.
        unreadable: why that can't be read; empty where it can.
    """

    record: bytes | None
    settings: EngineSettings | None = None
    forecast: CustomerForecast | None = None
    unreadable: str = ""


async def stored_customer(store: Store, partition: int, customer: str) -> StoredCustomer:
    """Of a customer whose home is that partition. A record that can't be read is returned without a forecast.

    Raises StoreUnavailable.
    """
    shard, settings = str(partition), None
    [record] = await store.load(shard, [b"c:" + customer.encode()])
    meta = await store.read_meta(shard)
    if record is None or meta is None:
        return StoredCustomer(record)
    try:
        body = unpack_body(shard, meta.body)
        settings = settings_in_force(shard, body)
        return StoredCustomer(record, settings, await customer_forecast(store, body, settings, customer, record))
    except StateUnreadable as error:
        return StoredCustomer(record, settings, unreadable=str(error))
    except UnknownRecord:  # whoever unpacks it is told
        return StoredCustomer(record, settings)
