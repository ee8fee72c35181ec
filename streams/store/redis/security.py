"""Redis connection settings: URL or Sentinel, user, password and TLS, as arguments of redis-py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from streams.config import Config
from streams.security.sentinels import Sentinels, is_sentinel, sentinels
from streams.security.tls import Tls


@dataclass(frozen=True, slots=True)
class RedisConnection:
    """url: redis://, rediss://, unix:// or redis+sentinel://; never shown, since it may hold a password.

    cluster: it names a node of a Redis Cluster. timeout_s: for one reply; a commit under ``appendfsync always``
    includes an fsync. user, password: where the URL has none. sentinel_user, sentinel_password: of the sentinels.
    """

    url: str = field(repr=False)
    cluster: bool = False
    timeout_s: float = 5.0
    user: str = ""
    password: str = field(default="", repr=False)
    tls: Tls = field(default_factory=Tls)
    sentinel_user: str = ""
    sentinel_password: str = field(default="", repr=False)

    @property
    def encrypted(self) -> bool:
        return self.url.startswith("rediss")

    @property
    def sentinels(self) -> Sentinels | None:
        """Whom to ask for the primary; None: the URL names it itself."""
        return sentinels(self.url) if is_sentinel(self.url) else None

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments for redis-py, of a connection to Redis itself."""
        return {**_login(self.user, self.password), **self._tls()}

    def sentinel_arguments(self) -> dict[str, Any]:
        """The same, to a sentinel."""
        return {**_login(self.sentinel_user, self.sentinel_password), **self._tls()}

    def _tls(self) -> dict[str, Any]:
        if not self.encrypted:
            return {}
        tls = self.tls
        told = {
            "ssl_ca_certs": tls.ca_file,
            "ssl_certfile": tls.certificate_file,
            "ssl_keyfile": tls.key_file or tls.certificate_file,
            "ssl_password": tls.key_password,  # a client of a Redis Cluster does not know it
        }
        return {"ssl_check_hostname": tls.check_hostname, **{name: value for name, value in told.items() if value}}


def _login(user: str, password: str) -> dict[str, str]:
    if not password:
        return {}
    return {"username": user, "password": password} if user else {"password": password}


def redis_connection(config: Config) -> RedisConnection:
    """How this configuration reaches Redis."""
    return RedisConnection(
        config.redis_url,
        config.redis_cluster,
        config.redis_timeout_s,
        config.redis_user,
        config.redis_secret(),
        config.redis_tls(),
        config.redis_sentinel_user,
        config.redis_sentinel_secret(),
    )
