"""A browser's session: a cookie that says who it is of; and the token that a form of theirs must bring back."""

from __future__ import annotations

import hmac
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Final

LASTS_S: Final = 12 * 3600
_PARTS: Final = 4
_UNTIL: Final = 10
"""Digits of a time, in hexadecimal."""


class Sessions:
    """Of one process: with its end all sessions end, and whoever has a token gives it once more."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._ended: dict[str, int] = {}

    def issue(self, name: str) -> str:
        """A new session of somebody, as the cookie's value."""
        whose = urlsafe_b64encode(name.encode("utf-8", "surrogateescape")).decode()
        body = f"{whose}.{int(time.time()) + LASTS_S}.{secrets.token_hex(12)}"
        return f"{body}.{self._signed('session', body)}"

    def name(self, cookie: str) -> str | None:
        """Of whom a session is; None: it is none of ours, or over."""
        parts = cookie.split(".")
        if len(parts) != _PARTS or not cookie.isascii():
            return None
        body, signed = cookie.rsplit(".", 1)
        if not hmac.compare_digest(signed, self._signed("session", body)) or int(parts[1]) < time.time():
            return None
        return None if cookie in self._ended else urlsafe_b64decode(parts[0]).decode("utf-8", "surrogateescape")

    def end(self, cookie: str) -> None:
        """From now on it is over, wherever somebody has kept it."""
        if self.name(cookie) is not None:
            now = time.time()
            self._ended = {one: until for one, until in self._ended.items() if until >= now}
            self._ended[cookie] = int(cookie.split(".")[1])

    def form_token(self, name: str) -> str:
        """What a form of theirs brings back, in whichever tab: no other site's page can read it."""
        until = f"{int(time.time()) + LASTS_S:0{_UNTIL}x}"
        return until + self._signed("form", until + name)

    def is_form_token(self, name: str, given: str) -> bool:
        """Whether a form was made for them, and not too long ago."""
        until, signed = given[:_UNTIL], given[_UNTIL:]
        right = given.isascii() and hmac.compare_digest(signed, self._signed("form", until + name))
        return right and int(until, 16) >= time.time()

    def _signed(self, use: str, text: str) -> str:
        return hmac.new(self._key, f"{use}\0{text}".encode("utf-8", "surrogateescape"), sha256).hexdigest()
