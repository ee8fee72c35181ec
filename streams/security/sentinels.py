"""Parses the URL of a Redis behind Sentinel: redis+sentinel://host:port,host:port/service/db."""

from __future__ import annotations

import re
from typing import NamedTuple

PORT = 26_379
_HOST = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:,/\[\]@]+)(?::(?P<port>\d{1,5}))?")


class Sentinels(NamedTuple):
    """hosts: (host, port) of each sentinel. service: the name under which they watch the primary. tls: to the sentinels
    and to Redis."""

    hosts: tuple[tuple[str, int], ...]
    service: str
    db: int
    tls: bool


def is_sentinel(url: str) -> bool:
    return url.partition("://")[0].endswith("+sentinel")


def sentinels(url: str) -> Sentinels:
    """Raises ValueError: the URL is not of this form, or holds a password, which has settings of its own. The message
    repeats nothing of the URL."""
    scheme, _, rest = url.partition("://")
    if "@" in rest:
        raise ValueError("it names sentinels, and a password; set RETENTION_REDIS_PASSWORD instead")
    hosts, _, path = rest.partition("/")
    service, _, db = path.partition("/")
    found = [_HOST.fullmatch(host) for host in hosts.split(",")]
    if not service or not (db or "0").isdecimal() or None in found:
        raise ValueError("give redis+sentinel://host:port,host:port/service/db")
    places = tuple((one["host"].strip("[]"), int(one["port"] or PORT)) for one in found if one is not None)
    return Sentinels(places, service, int(db or 0), scheme.startswith("rediss"))
