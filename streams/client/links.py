"""Signed links to a customer's own page: made by whoever writes to customers, read by the page.

A link names customer, channel and end, encrypted and authenticated at once (SIV, Rogaway and Shrimpton 2006, with
HMAC-SHA256 as its pseudo-random function): the tag over the text is where the key stream begins, so that there is no
nonce that could come twice, and one link of a customer, channel and hour is always the same. Nothing is stored of it.
"""

from __future__ import annotations

import hmac
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple

from models.touchpoints.limits import MAX_CHANNEL, MAX_CUSTOMER

LEAST_SECRET: Final = 32
"""Characters of a secret: `openssl rand -hex 32` gives 64."""
LEAST_DAYS, DAYS, MOST_DAYS = 60, 90, 3_660
"""How long a link lives: at least, without a word, at most."""
LONGEST: Final = 1_200
"""Characters of a link's token; the longest customer id needs fewer."""
ONE_CLICK: Final = "one-click"
"""The end of the address at which a mail program unsubscribes (RFC 8058)."""

_TAG, _BLOCK, _HOUR = 16, 16, 3_600
_HEAD = struct.Struct(">IBH")  # end in seconds, bytes of the channel, bytes of the customer
_KEY = re.compile(r"([A-Za-z0-9_-]{1,16}):(\S+)")


class KeysUnfit(ValueError):
    """Keys that no link can be signed with; the message says why, and repeats no secret."""


class LinkRefused(Exception):
    """A token that opens nothing. expired: it was ours, and its time is over."""

    def __init__(self, expired: bool = False) -> None:
        super().__init__("the link has expired" if expired else "the link is none of ours")
        self.expired = expired


class Linked(NamedTuple):
    """What a link says. channel: on which it was sent; empty: not said. until: ms."""

    customer: str
    channel: str
    until: int


class OwnPageLink(NamedTuple):
    """A link, and what goes into a mail beside it. page: for the text. one_click: for the mail's headers. until: ms."""

    page: str
    one_click: str
    until: int

    @property
    def headers(self) -> dict[str, str]:
        """Of a mail, by RFC 8058; its DKIM signature must cover both. An address without TLS has none."""
        if not self.one_click.startswith("https://"):
            return {}
        return {"List-Unsubscribe": f"<{self.one_click}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


@dataclass(frozen=True, slots=True, repr=False)
class LinkKeys:
    """Secrets by their ids; the first signs, all are believed."""

    secrets: tuple[tuple[str, bytes], ...]

    @classmethod
    def of(cls, text: str) -> LinkKeys:
        """From `ID:SECRET`, the one that signs first, others after it with a comma, blank or line end between them.

        Raises KeysUnfit.
        """
        found: dict[str, bytes] = {}
        for number, part in enumerate(re.split(r"[\s,]+", text.strip()), 1):
            match = _KEY.fullmatch(part)
            if match is None:
                raise KeysUnfit(f"key {number} is no ID:SECRET; give an id of 1 to 16 letters and digits, and a secret")
            if len(match[2]) < LEAST_SECRET:
                short = f"the secret of key {match[1]} has {len(match[2])} characters"
                raise KeysUnfit(f"{short}; give {LEAST_SECRET} or more, as `openssl rand -hex 32` does")
            if match[1] in found:
                raise KeysUnfit(f"key id {match[1]} is given twice; give each key an id of its own")
            found[match[1]] = match[2].encode()
        return cls(tuple(found.items()))

    def token(self, customer: str, until: int, channel: str = "") -> str:
        """until: ms; a link lives until the end of that hour. Raises ValueError for an id that is too long."""
        name, where = customer.encode(), channel.encode()
        if not 0 < len(customer) <= MAX_CUSTOMER or len(channel) > MAX_CHANNEL:
            given = f"customer has {len(customer)} characters, channel {len(channel)}"
            raise ValueError(f"{given}: give 1 to {MAX_CUSTOMER}, and at most {MAX_CHANNEL}, as touchpoints have them")
        seconds = -(-until // 1000 // _HOUR) * _HOUR
        text = _HEAD.pack(seconds, len(where), len(name)) + where + name
        text += bytes(-len(text) % _BLOCK)  # so that its length tells little of the id's
        key, secret = self.secrets[0]
        tag = _tag(secret, key, text)
        return f"{key}.{urlsafe_b64encode(tag + _crypted(secret, tag, text)).decode().rstrip('=')}"

    def read(self, token: str, now: int) -> Linked:
        """now: ms. Raises LinkRefused."""
        key, _, rest = token[:LONGEST].partition(".")
        secret = dict(self.secrets).get(key)
        try:
            raw = urlsafe_b64decode(rest + "=" * (-len(rest) % 4))
        except ValueError:
            raise LinkRefused from None
        if secret is None or len(raw) < _TAG + _BLOCK or len(token) > LONGEST:
            raise LinkRefused
        tag, text = raw[:_TAG], _crypted(secret, raw[:_TAG], raw[_TAG:])
        if not hmac.compare_digest(tag, _tag(secret, key, text)):
            raise LinkRefused
        seconds, where, name = _HEAD.unpack_from(text)
        if now >= seconds * 1000:
            raise LinkRefused(expired=True)
        start = _HEAD.size
        channel, customer = text[start : start + where], text[start + where : start + where + name]
        return Linked(customer.decode(), channel.decode(), seconds * 1000)

    def sealed(self, what: str, *parts: str) -> str:
        """A signature of text, by the first key: 32 hexadecimal digits. what: keeps those for one use from another."""
        return _sealed(self.secrets[0][1], what, parts)

    def is_sealed(self, given: str, what: str, *parts: str) -> bool:
        """Whether it is such a signature, by any key; without telling by the time that it takes how much of it is."""
        told = given.encode("utf-8", "replace")
        found = [hmac.compare_digest(told, _sealed(secret, what, parts).encode()) for _, secret in self.secrets]
        return any(found)


def own_page_link(
    url: str, customer: str, keys: LinkKeys, *, now_ms: int, days: float = DAYS, channel: str = ""
) -> OwnPageLink:
    """A link to the customer's own page.

    Args:
        url: of the page, such as ``https://me.shop.example``.
        customer: id, as touchpoints have it.
        keys: those of the page.
        now_ms: ms since the epoch.
        days: how long it lives, `LEAST_DAYS` or more.
        channel: on which it is sent; a mail program's one-click unsubscribe then closes that one alone.

    Raises ValueError.
    """
    if not LEAST_DAYS <= days <= MOST_DAYS:
        raise ValueError(f"days is {days:g}: give {LEAST_DAYS} to {MOST_DAYS}; mails are read, and left, late")
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"url is {url!r}: give the address of the page, such as https://me.shop.example")
    until = now_ms + round(days * 86_400_000)
    token = keys.token(customer, until, channel)
    page = f"{url.rstrip('/')}/o/{token}"
    return OwnPageLink(page, f"{page}/{ONE_CLICK}", -(-until // 1000 // _HOUR) * _HOUR * 1000)


def _tag(secret: bytes, key: str, text: bytes) -> bytes:
    return hmac.new(_derived(secret, b"tag"), key.encode() + b"\0" + text, sha256).digest()[:_TAG]


def _crypted(secret: bytes, tag: bytes, text: bytes) -> bytes:
    """Text to its other form and back."""
    stream = b"".join(_stream(_derived(secret, b"stream"), tag, len(text)))
    return bytes(a ^ b for a, b in zip(text, stream, strict=False))


def _stream(key: bytes, tag: bytes, length: int) -> Iterator[bytes]:
    for block in range(-(-length // sha256().digest_size)):
        yield hmac.new(key, tag + struct.pack(">I", block), sha256).digest()


def _sealed(secret: bytes, what: str, parts: tuple[str, ...]) -> str:
    text = b"".join(struct.pack(">I", len(raw)) + raw for raw in (one.encode("utf-8", "replace") for one in parts))
    return hmac.new(_derived(secret, b"seal " + what.encode()), text, sha256).hexdigest()[:32]


def _derived(secret: bytes, use: bytes) -> bytes:
    """A key for one use alone."""
    return hmac.new(secret, b"retention own page, " + use, sha256).digest()
