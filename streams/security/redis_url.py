"""Validates a Redis URL, and shows it without its secrets.

It may hold passwords, in two places (before the host, among the options), and a password that should have been
percent-encoded may hold any character, so that nobody can say where it ends. Neither function therefore repeats
anything of a URL but what can't be part of one: what is shown is found by what it is, not by leaving the secret out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from streams.security.sentinels import is_sentinel, sentinels

SCHEMES = ("redis", "rediss", "unix")
SENTINEL_SCHEMES = ("redis+sentinel", "rediss+sentinel")
HIGHEST_PORT = 65_535
PROTOCOL = 2
"""RESP3 would switch on maintenance notifications, and with them redis-py no longer checks that a pooled connection is
free of unread replies."""

BOOLEANS = ("0", "f", "false", "n", "no", "1", "t", "true", "y", "yes")
"""As redis-py reads them, whatever their case; it takes any other word for true."""


def _boolean(value: str) -> bool:
    return value.lower() in BOOLEANS


def _whole(value: str) -> bool:
    return re.fullmatch(r"\d{1,9}", value, re.ASCII) is not None


def _number(value: str) -> bool:
    return re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value, re.ASCII) is not None


SHOWN: Mapping[str, Callable[[str], bool]] = {
    "db": _whole,
    "protocol": lambda value: value == str(PROTOCOL),
    "max_connections": _whole,
    "health_check_interval": _whole,
    "socket_timeout": _number,
    "socket_connect_timeout": _number,
    "socket_keepalive": _boolean,
    "socket_read_size": _whole,
    "retry_on_timeout": _boolean,
    "ssl_cert_reqs": lambda value: value in ("none", "optional", "required"),
    "ssl_check_hostname": _boolean,
}
"""Options that are no secret, and what they take."""
OPTIONS = {
    *SHOWN,
    "client_name",
    "password",
    "ssl_ca_certs",
    "ssl_ca_data",
    "ssl_ca_path",
    "ssl_certfile",
    "ssl_ciphers",
    "ssl_keyfile",
    "ssl_min_version",
    "ssl_password",
    "username",
}
"""What a URL may say. redis-py hands any other name on to whatever it builds, which raises where nobody expects it."""

NOT_IN_A_CLUSTER = {"retry_on_timeout", "ssl_ca_path", "ssl_password"}

ENCODE = "percent-encode special characters in user and password (# is %23, @ is %40, / is %2F, ? is %3F, % is %25)"

_SHOWN_SCHEME = re.compile(r"(?:(redis|rediss|unix|https?|tcp)://)?(.*)", re.DOTALL)
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+)"
_PLACE = re.compile(rf"({_HOST}(?::\d{{1,5}})?(?:/\d*)?)(?:\?([^#?]*))?", re.ASCII)
_SOCKET = re.compile(r"(/[\w./-]*)(?:\?([^#?]*))?", re.ASCII)


def without_password(url: str) -> str:
    """A URL, or a text that was meant to be one, as it may be shown: without user, passwords, and all that may be part
    of one.

    >>> without_password("redis://anna:secret@redis:6379/0?db=1"), without_password("redis://:pa?ss@host")
    ('redis://***@redis:6379/0?db=1', 'redis://***')
    """
    if is_sentinel(url):
        named = url.partition("://")[0]
        begin = f"{named}://" if named in SENTINEL_SCHEMES else ""
        return url if begin and _sentinel_refusal(url) is None else f"{begin}***"
    found = _SHOWN_SCHEME.fullmatch(url)
    scheme, rest = (found[1], found[2]) if found is not None else (None, url)
    begin = f"{scheme}://" if scheme else ""
    user, at, place = rest.rpartition("@")
    if "?" in user:  # the @ stands in a password, or in an option: nobody knows
        return f"{begin}***"
    shape = _SOCKET if scheme == "unix" else _PLACE
    if (parts := shape.fullmatch(place)) is None:
        return f"{begin}***"
    options = "" if parts[2] is None else f"?{_without_secrets(parts[2])}"
    return f"{begin}{'***@' if at else ''}{parts[1]}{options}"


def _without_secrets(query: str) -> str:
    """Options up to the first that may be secret: it may hold the & that seems to end it."""
    told = []
    for option in query.split("&"):
        name, _, value = option.partition("=")
        if name in SHOWN and SHOWN[name](value):
            told.append(option)
            continue
        told.append(f"{name}=***" if name in OPTIONS else "***")
        break
    return "&".join(told)


def has_password(url: str) -> bool:
    """Whether it holds a password or a user: before the host, or among the options."""
    before, at, _ = url.partition("://")[2].rpartition("@")
    return bool(at and ":" in before) or re.search(r"[?&](?:password|username)=", url) is not None


def refusal(url: str, cluster: bool = False) -> str | None:
    """What is wrong with a URL of Redis and what to do, without a word of it that may be secret; None: nothing is.

    cluster: it is one of a node of a Redis Cluster.
    """
    scheme, _, rest = url.partition("://")
    if scheme in SENTINEL_SCHEMES:
        return "a cluster has no sentinels; leave one out" if cluster else _sentinel_refusal(url)
    if scheme not in SCHEMES or not rest:
        return "give redis://host:port/db, rediss://, unix:// or redis+sentinel://host:port/service/db"
    if not (url.isascii() and url.isprintable()) or " " in url:
        return f"it holds a blank, a control character or one beyond ASCII; {ENCODE}"
    if "#" in rest:
        return f"it holds a #, which begins no part of such a URL; {ENCODE}"
    before, _, query = rest.partition("?")
    user, _, place = before.rpartition("@")
    if set("/[]") & set(user):
        return f"user or password hold one of / [ ]; {ENCODE}"
    if (shape := _SOCKET if scheme == "unix" else _PLACE).fullmatch(place) is None:
        what = "a socket's path" if shape is _SOCKET else "host, host:port or host:port/db"
        return f"what follows user and password is not {what}; {ENCODE}"
    if (port := re.search(r":(\d+)(?:/|$)", place)) and int(port[1]) > HIGHEST_PORT:
        return f"a port is no more than {HIGHEST_PORT}"
    return _bad_options(scheme, query) or (_bad_in_a_cluster(scheme, place, query) if cluster else None)


def _sentinel_refusal(url: str) -> str | None:
    try:
        sentinels(url)
    except ValueError as error:
        return str(error)
    return None


def _bad_options(scheme: str, query: str) -> str | None:
    options = dict(reversed(parse_qsl(query)))  # of several the first one counts
    if "ssl" in options or (scheme != "rediss" and any(name.startswith("ssl_") for name in options)):
        return "for TLS give rediss:// in place of redis://; there is no option ssl, and ssl_... belongs to rediss://"
    if not options.keys() <= set(OPTIONS):
        return f"it has an option that is none of {', '.join(sorted(OPTIONS))}; remove it, or {ENCODE}"
    for name, value in options.items():
        if name in SHOWN and not SHOWN[name](value):
            return f"the option {name} does not take that value; correct it, or leave it out"
    return None


def _bad_in_a_cluster(scheme: str, place: str, query: str) -> str | None:
    options = dict(reversed(parse_qsl(query)))
    if scheme == "unix":
        return "a node of a Redis Cluster has a host and a port: give redis:// or rediss://"
    database = options.get("db") or place.partition("/")[2]
    if database.strip("0"):
        return "a Redis Cluster has database 0 only; leave the database out"
    if found := sorted(options.keys() & NOT_IN_A_CLUSTER):
        return f"a client of a Redis Cluster takes no option {', '.join(found)}; leave it out"
    return None
