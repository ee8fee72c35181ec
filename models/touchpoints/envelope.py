"""The touchpoints as CloudEvents 1.0 in structured JSON (of binary mode `binary_mode` makes it): what all types share.

`type` is the tag, `subject` the customer's id. `data` may be left out where nothing in it is required. CloudEvents'
optional attributes (`datacontenttype`, `dataschema`), extensions and additional fields are tolerated.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from models.touchpoints import limits
from models.touchpoints.fields import CustomerId, Time


class Envelope(Struct, frozen=True, gc=False, tag_field="type"):
    """What every event carries. `source` and `id` together identify it."""

    specversion: Literal["1.0"]
    id: Annotated[str, Meta(min_length=1, max_length=limits.MAX_EVENT_ID)]
    source: Annotated[str, Meta(min_length=1, max_length=limits.MAX_SOURCE)]
    time: Time


class CustomerEvent(Envelope, frozen=True):
    """An event about one customer."""

    subject: CustomerId
