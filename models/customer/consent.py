"""Consent, by purpose and channel: granted, refused or never asked, each with its time, as one packed register.

What is true of every order in which statements come:

 - a refusal closes its channel from then on. Only a newer grant that names the channel opens it again; a preference
   never does, and a grant for one channel opens no other;
 - a refusal without a channel closes all of them, a grant without one opens those that were never refused;
 - of two statements of one time the refusal counts.

Purposes but marketing know no channels of their own: there the newest word counts.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from xxhash import xxh3_64_intdigest

from models.customer.moments import second_of
from models.settings import SECOND

MARKETING, PROFILING, CONVERSATION = "marketing", "profiling", "conversation"
PURPOSES: Final = (MARKETING, PROFILING, CONVERSATION)
"""By their number in the register: never renumber."""
BASES: Final = ("", "consent", "existing_customer", "legitimate_interest")
"""On what a statement rests, by its number in the register; empty: not stated."""
EVERY: Final = ""
"""In place of a channel: all of them."""
MAX_STATEMENTS: Final = 24
"""Statements of a customer. A refusal beyond that closes all channels of its purpose, a grant beyond is not kept."""

_PURPOSE, _GRANTED, _CONFIRMED, _EXPIRES, _REFERENCE, _BASIS = 0x03, 0x04, 0x08, 0x10, 0x20, 6
_HEAD = struct.Struct("<BBIH")  # what there is, bytes of the channel's name, time in ms (low 32 bits, high 16)


class Statement(NamedTuple):
    """What was said last of a purpose on a channel.

    time, expires: log time in ms; expires 0: never, and a whole second. basis: one of `BASES`. confirmed: by a second
    step, such as the link of a mail. reference: 8 bytes of `reference_of` what was shown and where it is proven; 0:
    nothing was said of it.
    """

    granted: bool
    time: int
    expires: int = 0
    basis: str = ""
    confirmed: bool = False
    reference: int = 0


Register = dict[tuple[str, str], Statement]
"""By purpose and channel."""


class Answer(IntEnum):
    """May the customer be contacted for a purpose on a channel?"""

    GRANTED = 0
    NEVER_ASKED = 1
    REFUSED = 2
    EXPIRED = 3  # granted once
    OTHERS_ONLY = 4  # granted for other channels, and never asked for this one


OPEN: Final = frozenset({Answer.GRANTED, Answer.NEVER_ASKED})
"""Answers that let a message through as long as no policy asks for more."""


def reference_of(source: str | None, wording: str | None, evidence: str | None) -> int:
    """Names what a statement rests on: 64 bits of where it was given, what was shown and its proof; 0: of none."""
    texts = (source, wording, evidence)
    if not any(texts):
        return 0
    return xxh3_64_intdigest("\0".join(text or "" for text in texts).encode()) or 1


def pack_register(register: Register) -> bytes:
    """The register as stored, by purpose and channel; nothing when there is nothing in it."""
    parts: list[bytes] = []
    for (purpose, channel), said in sorted(register.items()):
        name = channel.encode()
        state = PURPOSES.index(purpose) | _GRANTED * said.granted | _CONFIRMED * said.confirmed
        state |= _EXPIRES * bool(said.expires) | _REFERENCE * bool(said.reference) | BASES.index(said.basis) << _BASIS
        parts += (_HEAD.pack(state, len(name), said.time & 0xFFFFFFFF, said.time >> 32), name)
        if said.expires:
            parts.append(second_of(said.expires).to_bytes(4, "little"))
        if said.reference:
            parts.append(said.reference.to_bytes(8, "little"))
    return b"".join(parts)


def unpack_register(stored: bytes) -> Register:
    """Inverse of `pack_register`."""
    register: Register = {}
    at = 0
    while at < len(stored):
        state, length, low, high = _HEAD.unpack_from(stored, at)
        at += _HEAD.size
        channel = stored[at : at + length].decode()
        at += length
        expires = reference = 0
        if state & _EXPIRES:
            expires = int.from_bytes(stored[at : at + 4], "little") * SECOND
            at += 4
        if state & _REFERENCE:
            reference = int.from_bytes(stored[at : at + 8], "little")
            at += 8
        register[PURPOSES[state & _PURPOSE], channel] = Statement(
            bool(state & _GRANTED),
            low | high << 32,
            expires,
            BASES[state >> _BASIS],
            bool(state & _CONFIRMED),
            reference,
        )
    return register


def state(register: Register, purpose: str, channels: Sequence[str], said: Statement) -> None:
    """Let a statement change the register. channels: those it names; none: it is meant in general."""
    for channel in (channels if purpose != PROFILING else ()) or (EVERY,):
        if said.granted:
            _grant(register, purpose, channel, said)
        else:
            _refuse(register, purpose, channel, said)


def _grant(register: Register, purpose: str, channel: str, said: Statement) -> None:
    former, general = register.get((purpose, channel)), register.get((purpose, EVERY))
    if former is not None and not former.granted and channel == EVERY and purpose == MARKETING:
        return  # it names no channel, so it lifts no refusal
    for earlier in (former, general):
        if earlier is not None and not earlier.granted and earlier.time >= said.time:
            return
    if former is not None and former.granted and former.time > said.time:
        return
    if former is None and len(register) >= MAX_STATEMENTS:
        return
    register[purpose, channel] = said


def _refuse(register: Register, purpose: str, channel: str, said: Statement) -> None:
    former, general = register.get((purpose, channel)), register.get((purpose, EVERY))
    if general is not None and not general.granted and general.time >= said.time:
        return
    by_name = channel != EVERY or purpose != MARKETING
    if former is not None and (former.time > said.time if former.granted else former.time >= said.time) and by_name:
        return
    if channel != EVERY and former is None and len(register) >= MAX_STATEMENTS:
        channel = EVERY
    if channel == EVERY:
        covered = [key for key, earlier in register.items() if key[0] == purpose and earlier.time <= said.time]
        for key in covered:
            del register[key]
    register[purpose, channel] = said


def answer(register: Register, purpose: str, channel: str, now: int) -> Answer:
    """What the customer has said of a purpose on a channel, as of `now`, log time in ms."""
    own, general = register.get((purpose, channel)), register.get((purpose, EVERY))
    said = own or general
    if said is None:
        others = any(key[0] == purpose and other.granted for key, other in register.items())
        return Answer.OTHERS_ONLY if others else Answer.NEVER_ASKED
    if not said.granted:
        return Answer.REFUSED
    return Answer.EXPIRED if said.expires and now >= said.expires else Answer.GRANTED


def refused(register: Register, purpose: str) -> bool:
    """Whether the purpose is refused in general, and no channel was granted since."""
    general = register.get((purpose, EVERY))
    if general is None or general.granted:
        return False
    return not any(key[0] == purpose and said.granted for key, said in register.items())


def refusals(register: Register) -> Register:
    """What must outlast all else that is known: the refusals, without what proves them. Those of marketing take the
    newest one's time, which closes a little more and says a little less."""
    kept = {key: Statement(False, said.time) for key, said in register.items() if not said.granted}
    newest = max((said.time for key, said in kept.items() if key[0] == MARKETING), default=0)
    general = (MARKETING, EVERY) in kept
    return {
        key: Statement(False, newest) if key[0] == MARKETING else said
        for key, said in kept.items()
        if not general or key[0] != MARKETING or key[1] == EVERY
    }


def all_refused(register: Register) -> Register:
    """The same for who asked to be forgotten: who refused marketing anywhere has refused it everywhere."""
    kept = refusals(register)
    refuses = [said for key, said in kept.items() if key[0] == MARKETING]
    others = {key: said for key, said in kept.items() if key[0] != MARKETING}
    return {**others, (MARKETING, EVERY): refuses[0]} if refuses else others
