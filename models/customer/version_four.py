"""Version 4 of the record, and the way to it and back.

It knew of consent one flag for all marketing, the time of the last word, and the channels that were refused. On the way
up the stricter reading counts: what was refused stays so until a grant that is newer than all the record has seen names
the channel, and a grant is not carried over, since it is not known for which channels it was. On the way down what the
older release can't say closes more to it, and what it does not know stands beside that, for the way up: a release that
reads version 4 drops it when it rewrites the record.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Final

import msgspec

from models.customer.consent import EVERY, MARKETING, Register, Statement, pack_register, unpack_register
from models.customer.flags import FROM_TAIL, flags_of
from models.customer.layout import ERASED, NEWEST, NO_CONSENT, SLAB, UNLEARNED, UNSCORED
from models.customer.restrictions import MARKETING as TO_MARKET
from models.customer.restrictions import unpack_restrictions
from models.customer.tail import Tail, UnknownRecord, narrowed, pack_tail
from models.customer.worth import HAS_WORTH, joined, split

FOUR: Final = 4
FIVE: Final = 5
_FOUR: Final = bytes((FOUR,))
_FIVE: Final = bytes((FIVE,))
MAX_REFUSED: Final = 16


class FormerTail(Tail):
    """consent_at: of the last word on marketing. refused: channels. whole: `consents` and `restrictions` say all, and
    the other two are for the older release alone. worth: what is held of the value
    (`models.customer.worth`)."""

    consent_at: int = msgspec.field(default=0, name="a")
    refused: tuple[str, ...] = msgspec.field(default=(), name="u")
    whole: bool = msgspec.field(default=False, name="W")
    worth: bytes = msgspec.field(default=b"", name="V")


def _at(name: str) -> int:
    fields = SLAB.fields
    if fields is None:
        raise ImportError("SLAB has no fields")
    return int(fields[name][1])


_TIME, _ID = struct.Struct("<d"), struct.Struct("<Q")
_NEWEST, _FIRST_ID, _LENGTH = _at("times") + 8 * NEWEST, _at("ids"), _at("tail_length")
_FLAGS, _RING = 3, 1
_SIZE: Final = SLAB.itemsize
_LAST: Final = _SIZE - 1
# How the names of fields begin in a packed tail. Chance may put them elsewhere, which costs time and nothing else.
_of_four = re.compile(b"\xa1[auWV]").search
"""consent_at, refused, whole, worth."""
_of_five = re.compile(b"\xa1[vx]").search
"""consents, restrictions."""
_decode = msgspec.msgpack.Decoder(FormerTail).decode
_encode = msgspec.msgpack.Encoder().encode


def same_in_five(flags: int, tail: bytes) -> bool:
    """Whether nothing but the version's number parts a record of version 4 from one of version 5."""
    return not flags & NO_CONSENT and _of_four(tail) is None


def differing_in_five(tails: Mapping[int, bytes]) -> list[int]:
    """The rows with such a tail of a record of version 4 that more than the number parts it from one of version 5."""
    return [row for row, tail in tails.items() if _of_four(tail)]


def up(value: bytes) -> bytes:
    """From version 4 to version 5. Raises UnknownRecord on a damaged tail."""
    flags, stored = value[_FLAGS], value[_SIZE:]
    if same_in_five(flags, stored):
        return _FIVE + value[1:]
    former = _decoded(stored)
    if not former.whole:
        former.consents = pack_register(_register(value, flags, former.consent_at, former.refused))
    tail = Tail(**{name: getattr(former, name) for name in Tail.__struct_fields__})
    if not flags & ERASED:
        flags = flags & ~FROM_TAIL | flags_of(tail)
    return joined(_with(value, FIVE, flags, pack_tail(tail)), former.worth)


def down(value: bytes) -> bytes:
    """From version 5 to version 4. `up` gives the same record again."""
    value, worth = split(value)
    flags = value[_FLAGS]
    if not worth and not flags & FROM_TAIL and _of_five(value, _SIZE) is None:
        return _FOUR + value[1:]
    stored = value[_SIZE:]
    former = _decoded(stored)
    former.worth = worth
    register = unpack_register(former.consents)
    said = {channel: word for (purpose, channel), word in register.items() if purpose == MARKETING}
    refused = [channel for channel, word in said.items() if not word.granted and channel != EVERY]
    closed = bool(flags & NO_CONSENT) or len(refused) > MAX_REFUSED or (EVERY in said and not said[EVERY].granted)
    closed |= any(TO_MARKET in one.purposes for one in unpack_restrictions(former.restrictions).values())
    former.consent_at = max((word.time for word in said.values()), default=0)
    former.refused = tuple(refused[:MAX_REFUSED])
    older = flags & ~(UNLEARNED | UNSCORED) & 0xFF | (NO_CONSENT if closed else 0)
    as_told = pack_register(_register(value, older, former.consent_at, former.refused))
    if as_told == former.consents and not former.restrictions:
        former.consents = b""
    else:
        former.whole = True
    return _with(value, FOUR, older, narrowed(_encode(former)))


def all_down(records: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """The same of many, by customer: of nearly all the number alone changes. What is no record of version 5, such as a
    tombstone, stays as it is."""
    return {
        customer: value
        if value[0] != FIVE
        else down(value)
        if value[_FLAGS] & FROM_TAIL
        or value[_LAST] & HAS_WORTH
        or (len(value) > _SIZE and _of_five(value, _SIZE) is not None)
        else _FOUR + value[1:]
        for customer, value in records.items()
    }


def _register(value: bytes, flags: int, consent_at: int, refused: tuple[str, ...]) -> Register:
    """What the four said of consent. A record that remembers events may have been refused after `consent_at`."""
    newest = int(_TIME.unpack_from(value, _NEWEST)[0])
    bare = value[_RING] == 0 and _ID.unpack_from(value, _FIRST_ID)[0] == 0
    time = consent_at or newest if bare else max(consent_at, newest)
    if flags & NO_CONSENT:
        return {(MARKETING, EVERY): Statement(False, time)}
    return {(MARKETING, channel): Statement(False, time) for channel in refused}


def _decoded(stored: bytes) -> FormerTail:
    if not stored:
        return FormerTail()
    try:
        return _decode(stored)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnknownRecord(f"a record of version {FOUR} is damaged: its tail can't be read: {error}") from error


def _with(value: bytes, version: int, flags: int, tail: bytes) -> bytes:
    head = bytes((version, value[1], value[2], flags))
    return b"".join((head, value[4:_LENGTH], len(tail).to_bytes(2, "little"), tail))
