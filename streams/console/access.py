"""Who may look: anybody on this machine, or whoever has the token, or whom a reverse proxy names."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from aiohttp import web

COOKIE: Final = "retention"
SESSION_S: Final = 12 * 3600
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
ANONYMOUS: Final = "somebody on this machine"


@dataclass(frozen=True, slots=True)
class Access:
    """token: what is asked for; empty: nothing is, which only loopback may be. user_header: a reverse proxy's header
    that names who looks; whoever comes without it is turned away. hosts: names under which the page may be asked for
    without a token, so that another site's page cannot (DNS rebinding)."""

    token: str = ""
    user_header: str = ""
    hosts: frozenset[str] = frozenset(LOOPBACK)

    def user(self, request: web.Request) -> str | None:
        """Who looks; None: they may not."""
        if self.user_header:
            return request.headers.get(self.user_header) or None
        if not self.token:
            host = (request.url.host or "").strip("[]")
            return ANONYMOUS if host in self.hosts else None
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if given and self.is_token(given):
            return "the token's holder"
        session = request.cookies.get(COOKIE, "")
        return (
            "the token's holder" if session and hmac.compare_digest(session.encode(), self.session().encode()) else None
        )

    def is_token(self, given: str) -> bool:
        """Whether this is the token, without telling by the time that it takes how much of it is."""
        return bool(self.token) and hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self.token.encode())

    def session(self) -> str:
        """What the cookie holds: it opens the pages, and does not tell the token."""
        return hmac.new(self.token.encode(), b"retention console", sha256).hexdigest()
