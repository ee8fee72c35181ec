"""A customer's record that another shard has sent, read whole: whoever may write the topic can write one, too."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from typing import Any, Final

from models.customer.consent import unpack_register
from models.customer.contract import unpack_contract
from models.customer.interests import unpack_interests
from models.customer.record import Record, unpack
from models.customer.restrictions import unpack_restrictions
from models.customer.versions import NewerRecord
from models.decisions.standing_stored import unpack_standing
from models.loyalty.loop import unpack_loop
from models.loyalty.membership_stored import unpack_membership
from models.loyalty.stored import unpack_account
from models.touchpoints.types.identities import IdentityMovedData

PARTS: Final[dict[str, Callable[[bytes], Any]]] = {
    "standing": unpack_standing,
    "points": unpack_account,
    "membership": unpack_membership,
    "loyalty": unpack_loop,
    "consents": unpack_register,
    "restrictions": unpack_restrictions,
    "interests": unpack_interests,
    "contract": unpack_contract,
}
"""Parts of the tail that are packed by themselves, by field, and what reads them."""


def record_of(moved: IdentityMovedData) -> Record:
    """What was known of another id.

    Raises:
        ValueError: it, or a part of it, can't be read, as no shard would have sent it.
        NewerRecord: a newer release has written it.
    """
    try:
        record = unpack(moved.path[0].encode(), b64decode(moved.record, validate=True))
        for field, read in PARTS.items():
            if stored := getattr(record.tail, field):
                read(stored)
    except NewerRecord:
        raise
    except Exception as error:
        raise ValueError(f"data.record is no customer's record: {error}") from error
    return record
