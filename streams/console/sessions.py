"""A browser's session: a cookie that says who it is of, and the token that this session's forms must bring back."""

from __future__ import annotations

import hmac
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Final

LASTS_S: Final = 12 * 3600
_PARTS: Final = 4


class Sessions:
    """Of one process: with its end all sessions end, and whoever has a token gives it once more."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

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
        return urlsafe_b64decode(parts[0]).decode("utf-8", "surrogateescape")

    def form_token(self, cookie: str) -> str:
        """What a form of this session brings back: no other site's page can read it."""
        return self._signed("form", cookie)

    def is_form_token(self, cookie: str, given: str) -> bool:
        return given.isascii() and hmac.compare_digest(given, self.form_token(cookie))

    def _signed(self, use: str, text: str) -> str:
        return hmac.new(self._key, f"{use}\0{text}".encode(), sha256).hexdigest()
