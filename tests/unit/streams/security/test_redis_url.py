"""A URL of Redis that can't be used is refused with the remedy, and no part of a password is shown, whatever it is."""

from __future__ import annotations

import string
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis.asyncio.connection import parse_url

from streams.config import ConfigError, load, shown
from streams.security.redis_url import NOT_IN_A_CLUSTER, OPTIONS, refusal, without_password
from streams.store.redis.connection import connect

MARK = "s3cr3t"


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("redis://h:6379?ssl=true", "rediss://"),
        ("redis://h:6379?ssl_cert_reqs=none", "rediss://"),
        ("redis://:pa@SECRETPART#x@host", "# is %23"),
        ("redis://:pa/ss@host", "/ is %2F"),
        ("redis://:pa?ss@host", "? is %3F"),
        ("redis://u:12?3=x@host", "percent-encode"),
        ("redis://u:p[ss]@host", "percent-encode"),
        ("redis://:pä@host", "percent-encode"),
        ("redis://:p a@host", "percent-encode"),
        ("redis://:pa\nss@host", "percent-encode"),
        ("redis://:secret", "host:port"),
        ("redis://h:port/0", "host:port/db"),
        ("redis://h:70000", "65535"),
        ("redis://h/nought", "host:port/db"),
        ("redis://h?socket_timeout=soon", "socket_timeout"),
        ("redis://h?host=other", "none of client_name, db, "),
        ("redis://h?protocol=3", "protocol"),
        ("rediss://h?ssl_cert_reqs=maybe", "ssl_cert_reqs"),
        ("unix://run/redis.sock", "a socket's path"),
        ("redis://", "redis://host:port/db"),
        ("http://h", "redis://host:port/db"),
    ],
)
def test_what_is_wrong_is_told_with_the_remedy(url: str, remedy: str) -> None:
    told = refusal(url)
    assert told is not None
    assert remedy in told
    with pytest.raises(ConfigError) as raised:
        load(redis_url=url)
    assert told in str(raised.value)
    assert "RETENTION_REDIS_URL" in str(raised.value)
    with pytest.raises(ValueError, match="'"):
        connect(url)


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "redis://h",
        "redis://[::1]:6379",
        "redis://anna:p%23a%40s%2Fs@redis.internal:6380/3?socket_timeout=1.5&client_name=w",
        "redis://:pa@ss@h",
        "redis://h?password=a%26b",
        "rediss://u:p@h:6380/2?ssl_cert_reqs=required&ssl_ca_certs=%2Fetc%2Fca.pem&ssl_password=x",
        "unix://u:p@/run/redis.sock?db=1",
    ],
)
@pytest.mark.parametrize("cluster", [False, True])
def test_what_is_right_is_taken_and_makes_a_client(url: str, cluster: bool) -> None:
    assert refusal(url) is None
    if refusal(url, cluster) is None:
        connect(url, cluster=cluster)
    else:
        assert cluster


VALUES = {"db": "1", "protocol": "2", "ssl_cert_reqs": "none", "ssl_min_version": "771"}


@pytest.mark.parametrize("name", sorted(OPTIONS))
@pytest.mark.parametrize("cluster", [False, True])
def test_every_option_that_is_taken_is_one_that_clients_know(name: str, cluster: bool) -> None:
    url = f"{'rediss' if name.startswith('ssl_') else 'redis'}://h?{name}={VALUES.get(name, '1')}"
    if cluster and refusal(url, cluster):
        assert name in {*NOT_IN_A_CLUSTER, "db"}
        return
    client = connect(url, cluster=cluster)
    if not cluster:
        client.connection_pool.make_connection()  # type: ignore[union-attr] # not a cluster's


awkward = st.text(alphabet=string.ascii_letters + string.digits + "@:/?#[]%&=;!+ \t\n\\'\"ä\u202e\u2100")
secrets = st.tuples(awkward, awkward, awkward).map(MARK.join)
"""Passwords as somebody may paste them, with a mark twice."""
places = st.sampled_from(["@host:6379/0", "@host", "@", "", "@[::1]:1", "@h?db=1", "@/run/redis.sock", "@h?password=x"])
schemes = st.sampled_from(["redis://", "rediss://", "unix://", "", "redis:/", "http://", "Redis://", "redis://h?"])
before = st.sampled_from([":", "anna:", "password=", "h?password=", "h:1/0?db=1&password=", "h?ssl_password=", "h?x="])


def told_of(url: str) -> str:
    """Everything that is said of a URL, by the configuration, the client, and those who show it."""
    said = [without_password(url), refusal(url) or "", str(shown("redis_url", url))]
    try:
        load(redis_url=url)
    except ConfigError as error:
        said.append(str(error))
    try:
        connect(url)
    except ValueError as error:
        said.append(str(error))
    return "\n".join(said).casefold()


@given(schemes, before, secrets, places)
@example("redis://", ":", f"pa@{MARK}#x", "@host")
@example("redis://", "u:1", f"?{MARK}", "@host")
@example("redis://", "h?password=", f"a&db={MARK}", "")
@example("redis://", "h?password=", f"a@{MARK}", "")
def test_no_part_of_a_password_is_ever_told(scheme: str, begin: str, secret: str, place: str) -> None:
    url = f"{scheme}{begin}{secret}{place}"
    if not secret.startswith(MARK) or not begin.endswith("://"):  # else it is a host by every reading
        assert MARK not in told_of(url)


@given(st.sampled_from(["redis://", "rediss://"]), st.text(), st.text(min_size=1))
def test_a_password_that_is_encoded_is_taken_as_it_is_whatever_it_holds(scheme: str, user: str, password: str) -> None:
    try:
        (user + password).encode()
    except UnicodeEncodeError:  # a lone surrogate is no text
        return
    url = f"{scheme}{quote(user, safe='')}:{quote(password, safe='')}@host:1/2"
    assert refusal(url) is None
    assert parse_url(url)["password"] == password
    assert without_password(url) == f"{scheme}***@host:1/2"


@given(st.one_of(st.text(), st.tuples(schemes, awkward).map("".join)))
def test_what_is_not_refused_can_be_read(url: str) -> None:
    if refusal(url) is None:
        parse_url(url)
        connect(url)


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("redis://h:1/3", "database 0 only"),
        ("redis://h:1?db=3", "database 0 only"),
        ("rediss://h?ssl_password=x", "takes no option ssl_password"),
        ("unix:///run/redis.sock", "redis:// or rediss://"),
    ],
)
def test_what_a_cluster_does_not_take_is_refused_by_name(url: str, remedy: str) -> None:
    assert refusal(url) is None
    with pytest.raises(ConfigError, match=f"redis_url is '.*': .*{remedy}") as raised:
        load(redis_url=url, redis_cluster=True)
    assert "RETENTION_REDIS_CLUSTER" in str(raised.value)
    with pytest.raises(ValueError, match=remedy):
        connect(url, cluster=True)


@pytest.mark.parametrize("value", [[f"redis://:{MARK}@h"], {"url": MARK}, 7])
def test_a_value_that_is_no_text_is_not_shown_either(value: object) -> None:
    with pytest.raises(ConfigError) as raised:
        load(redis_url=value)
    assert MARK not in str(raised.value)
