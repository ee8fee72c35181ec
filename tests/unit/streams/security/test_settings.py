"""Settings of secure connections: read from their variables, refused where they do not fit together, never shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streams.config import Config, ConfigError, load
from streams.kafka.security import KafkaConnection, kafka_connection
from streams.operations.settings_origin import effective
from streams.security.settings import KafkaSecurity, RedisSecurity
from streams.security.tls import certificate_end
from streams.store.redis.security import RedisConnection, redis_connection
from tests.conftest import started
from tests.support.certificates import PAST, Authority

SECRET = "geheim"
SCRAM = {"kafka_security_protocol": "SASL_SSL", "kafka_sasl_mechanism": "SCRAM-SHA-256", "kafka_user": "anna"}
TOKEN = {"kafka_security_protocol": "SASL_SSL", "kafka_sasl_mechanism": "OAUTHBEARER"}
MUTUAL = {"kafka_security_protocol": "SSL", "kafka_certificate_file": "own.pem", "kafka_key_file": "own.key"}
LOCKED = {**MUTUAL, "kafka_key_file": "own.locked.key"}
TLS = {"redis_url": "rediss://redis:6379/0"}
OWN = {**TLS, "redis_certificate_file": "own.pem", "redis_key_file": "own.key"}
OF_SENTINELS = {"redis_url": "redis+sentinel://one:26379,two/loyalty/3"}

TOGETHER: tuple[dict[str, Any], ...] = (
    {**SCRAM, "kafka_password": SECRET, "kafka_ca_file": "ca.pem", "kafka_check_hostname": False},
    {**SCRAM, "kafka_password_file": "secret"},
    {**TOKEN, "kafka_token_file": "token"},
    {**TOKEN, "kafka_token_command": "print a token"},
    {**LOCKED, "kafka_key_password": SECRET},
    {**LOCKED, "kafka_key_password_file": "secret"},
    {"redis_user": "anna", "redis_password": SECRET},
    {**TLS, "redis_password_file": "secret", "redis_ca_file": "ca.pem", "redis_check_hostname": False},
    {**OWN, "redis_key_file": "own.locked.key", "redis_key_password": SECRET},
    {**OWN, "redis_key_file": "own.locked.key", "redis_key_password_file": "secret"},
    {**OF_SENTINELS, "redis_sentinel_user": "eye", "redis_sentinel_password": SECRET},
    {**OF_SENTINELS, "redis_sentinel_password_file": "secret"},
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = started("certificates", lambda: Authority(tmp_path_factory.mktemp("authority")))
    made.signed("own", password=SECRET)
    (made.folder / "secret").write_text(f"{SECRET}\n")
    (made.folder / "empty").write_text("\n")
    return made


@pytest.fixture(autouse=True)
def among_these_files(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*Config.model_fields, "config"):
        monkeypatch.delenv(f"RETENTION_{name.upper()}", raising=False)
    monkeypatch.chdir(authority.folder)


@pytest.mark.parametrize("together", TOGETHER, ids=lambda given: ",".join(given))
def test_settings_are_read_from_their_variables(together: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in together.items():
        monkeypatch.setenv(f"RETENTION_{name.upper()}", str(value))
    assert load().model_dump() == load(**together).model_dump()
    assert load().model_dump(exclude_defaults=True).keys() == together.keys()


def test_every_setting_is_tried_here() -> None:
    tried = {name for together in TOGETHER for name in together} - {"redis_url"}
    assert tried == {*KafkaSecurity.model_fields, *RedisSecurity.model_fields}


def test_a_secret_is_shown_nowhere() -> None:
    for together in TOGETHER:
        config = load(**together)
        told = effective(config, together)
        connections = kafka_connection(config), redis_connection(config)
        seen = f"{config!r} {connections!r} {told!r} {config.model_dump_json()}"
        assert SECRET not in seen
        assert "a token" not in repr(told)
        secrets = {name for name in together if name.endswith(("password", "token_command"))}
        assert all(told[name].value == "***" for name in secrets)


def test_a_secret_comes_from_a_file_without_its_line_end() -> None:
    config = load(**SCRAM, kafka_password_file="secret")
    assert kafka_connection(config).password == SECRET
    assert redis_connection(load(redis_password_file="secret")).password == SECRET


REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"kafka_user": "anna"}, "kafka_user is 'anna', and kafka_security_protocol 'PLAINTEXT' does not use it"),
    ({"kafka_password": SECRET}, r"kafka_password is \*\*\*, and kafka_security_protocol 'PLAINTEXT' does not use it"),
    (
        {"kafka_security_protocol": "SASL_SSL"},
        "kafka_sasl_mechanism is '', and .* set RETENTION_KAFKA_SASL_MECHANISM",
    ),
    (
        {**SCRAM, "kafka_user": "", "kafka_password": SECRET},
        "kafka_user is '', and SCRAM-SHA-256 needs a user; set",
    ),
    (SCRAM, "kafka_password is not given, .* set RETENTION_KAFKA_PASSWORD or RETENTION_KAFKA_PASSWORD_FILE"),
    ({**SCRAM, "kafka_password": SECRET, "kafka_password_file": "secret"}, "are both given; leave one of them out"),
    ({**SCRAM, "kafka_password_file": "nowhere"}, "kafka_password_file is 'nowhere': No such file"),
    ({**SCRAM, "kafka_password_file": "empty"}, "kafka_password_file is 'empty': the file is empty"),
    (
        {**SCRAM, "kafka_password": SECRET, "kafka_token_file": "token"},
        "kafka_token_file is 'token', and SCRAM-SHA",
    ),
    (TOKEN, "set one of RETENTION_KAFKA_TOKEN_FILE and RETENTION_KAFKA_TOKEN_COMMAND"),
    (
        {**TOKEN, "kafka_token_file": "token", "kafka_user": "anna"},
        "kafka_user is 'anna', and OAUTHBEARER does not",
    ),
    ({**TOKEN, "kafka_token_command": "'"}, "kafka_token_command is no command; correct the quotes"),
    (
        {"kafka_ca_file": "ca.pem"},
        "kafka_ca_file is 'ca.pem', and kafka_security_protocol 'PLAINTEXT' is not enc",
    ),
    ({"kafka_security_protocol": "SSL", "kafka_ca_file": "nowhere"}, "kafka_ca_file is 'nowhere': No such file"),
    ({"kafka_security_protocol": "SSL", "kafka_ca_file": "secret"}, "kafka_ca_file is 'secret': can't be used"),
    ({**MUTUAL, "kafka_certificate_file": ""}, "kafka_key_file is 'own.key', and kafka_certificate_file is ''"),
    (
        {**MUTUAL, "kafka_key_file": "ca.key"},
        "kafka_certificate_file is 'own.pem', kafka_key_file is 'ca.key': can't",
    ),
    ({**LOCKED, "kafka_key_password": "wrong"}, "the key's password where it has one"),
    (LOCKED, "the key's password where it has one"),
    ({"redis_user": "anna"}, "redis_user is 'anna': needs a password; set RETENTION_REDIS_PASSWORD"),
    (
        {"redis_url": "redis://:x@h/0", "redis_password": SECRET},
        r"redis_password is \*\*\*, and redis_url has a p",
    ),
    ({"redis_ca_file": "ca.pem"}, "redis_ca_file is 'ca.pem', and redis_url redis:// is not encrypted"),
    ({"redis_sentinel_user": "eye"}, "redis_sentinel_user is 'eye', and redis_url names no sentinels"),
    ({"redis_url": "redis+sentinel://one:1"}, "give redis.sentinel://host:port,host:port/service/db"),
    ({"redis_url": "redis+sentinel://:x@one:1/a/0"}, "set RETENTION_REDIS_PASSWORD instead"),
    ({"redis_url": "rediss://h", "redis_key_password": SECRET, "redis_cluster": True}, "a key without one"),
    ({**OF_SENTINELS, "redis_cluster": True}, "a cluster has no sentinels"),
)


@pytest.mark.parametrize(("given", "told"), REFUSED, ids=lambda given: str(given)[:60])
def test_what_does_not_fit_together_is_refused_by_name(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as raised:
        load(**given)
    assert SECRET not in str(raised.value)


def test_each_library_is_told_the_same_in_its_own_words() -> None:
    plain = KafkaConnection("a:1,b:2")
    assert (
        plain.kafka_python()
        == plain.aiokafka()
        == {"bootstrap_servers": ["a:1", "b:2"], "security_protocol": "PLAINTEXT"}
    )
    told = kafka_connection(load(**SCRAM, kafka_password=SECRET, kafka_ca_file="ca.pem", bootstrap_servers="a:1"))
    for library in (told.kafka_python(), told.aiokafka()):
        context = library.pop("ssl_context")
        assert context.check_hostname
        assert library == {
            "bootstrap_servers": ["a:1"],
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-256",
            "sasl_plain_username": "anna",
            "sasl_plain_password": SECRET,
        }


def test_sentinels_are_read_from_the_address() -> None:
    found = RedisConnection("rediss+sentinel://one:1,two,[::1]:3/loyalty/4").sentinels
    assert found is not None
    assert found == ((("one", 1), ("two", 26_379), ("::1", 3)), "loyalty", 4, True)
    assert RedisConnection("redis://one/0").sentinels is None


def test_the_end_of_a_certificate_is_read(authority: Authority) -> None:
    old, _ = authority.signed("old", PAST)
    assert certificate_end(str(old)).isoformat() == "2020-02-01T00:00:00+00:00"
    assert certificate_end(str(Path("own.pem"))).isoformat() == "2049-12-31T00:00:00+00:00"
    late, _ = authority.signed("late", ("20200101000000Z", "20661231000000Z"))
    assert certificate_end(str(late)).year == 2066
