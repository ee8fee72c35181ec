"""Apache Kafka behind TLS, SASL and ACLs, and Redis behind TLS and ACLs, with certificates of the tests' own.

Both have a plain listener too, on which whoever comes may do everything: the test's own eyes.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from streams.local.embedded import EmbeddedRedis
from streams.local.processes import LOOPBACK, ProgramMissing, ServerNotStarted, free_port, free_ports
from tests.support.certificates import PAST, Authority
from tests.support.servers import PROJECT, ApacheKafka, program

T = TypeVar("T")

ACLS = PROJECT / "deploy" / "kafka" / "acls.sh"
USERS = PROJECT / "deploy" / "redis" / "users.acl"
OWN_PAGE = PROJECT / "deploy" / "redis" / "own-page.acl"
REKEYED = "shop.orders"
"""The topic that the role `rekey` may read."""
EYES = "eyes-geheim"
FILES_PASSWORD = "change-me"
"""In deploy/redis/users.acl."""
OWN_PAGES_PASSWORD = "change-me-too"
"""In deploy/redis/own-page.acl."""

PASSWORDS = {
    name: f"{name}-geheim" for name in ("worker", "upstream", "downstream", "own_page", "rekey", "operator", "stranger")
}
"""SCRAM and PLAIN users by name. The stranger has no right at all."""

_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
_TOKEN = (
    'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="x";'
)
_VALIDATOR = (
    "org.apache.kafka.common.security.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler"
)


class SecuredKafka:
    """One broker. `plain`: whoever comes may do everything. `secure`: SASL_SSL with PASSWORDS. `mutual`: SSL with
    client certificates; a principal is its certificate's common name. `expired`: SSL with an expired certificate."""

    def __init__(self, directory: Path, jars: Path, authority: Authority) -> None:
        self.authority = authority
        self._directory, self._jars = directory, jars
        directory.mkdir(parents=True, exist_ok=True)
        names = ("SASL_SSL", "SSL", "EXPIRED")
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        plain_users = " ".join(f'user_{name}="{password}"' for name, password in PASSWORDS.items())
        of_sasl = "listener.name.sasl_ssl"
        settings = {
            "listener.security.protocol.map": (
                "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,EXPIRED:SSL"
            ),
            "inter.broker.listener.name": "PLAINTEXT",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(authority.ca),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._keystore("broker", *authority.signed("broker"))),
            "listener.name.expired.ssl.keystore.location": str(
                self._keystore("expired", *authority.signed("expired", PAST))
            ),
            "listener.name.ssl.ssl.client.auth": "required",
            "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/",
            "sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER",
            f"{of_sasl}.scram-sha-256.sasl.jaas.config": _SCRAM,
            f"{of_sasl}.scram-sha-512.sasl.jaas.config": _SCRAM,
            f"{of_sasl}.plain.sasl.jaas.config": f"{_PLAIN} {plain_users};",
            f"{of_sasl}.oauthbearer.sasl.jaas.config": _TOKEN,
            f"{of_sasl}.oauthbearer.sasl.server.callback.handler.class": _VALIDATOR,
        }
        self.server = ApacheKafka(directory / "server", jars, settings, ports, PASSWORDS)
        self.plain = self.server.bootstrap_servers
        self.secure, self.mutual, self.expired = (f"{LOOPBACK}:{port}" for port in ports.values())

    def start(self) -> SecuredKafka:
        self.server.start()
        return self

    def stop(self) -> None:
        self.server.stop()

    def allow(self, prefix: str, app: str, **principals: str) -> None:
        """Give the rights of deploy/kafka/acls.sh. principals: user by role, in lower case; the others get nothing."""
        roles = {role.upper(): "" for role in ("worker", "upstream", "downstream", "own_page", "rekey", "operator")}
        roles |= {role.upper(): f"User:{name}" for role, name in principals.items()}
        told = {"BOOTSTRAP_SERVERS": self.plain, "PREFIX": prefix, "APP": app, "GROUP": app, "SOURCE": REKEYED, **roles}
        run = {**os.environ, **told, "KAFKA_ACLS": str(self.acls())}
        done = subprocess.run(["sh", str(ACLS)], env=run, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def acls(self) -> Path:
        """Kafka's own program, as its distribution has it."""
        path = self._directory / "kafka-acls"
        java = program("java", "install a Java runtime, 17 or newer")
        options = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto"
        command = f'{java} {options} -cp "{self._jars}/*" org.apache.kafka.tools.AclCommand "$@"'
        path.write_text(f"#!/bin/sh\nexec {command}\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    def _keystore(self, name: str, certificate: Path, key: Path) -> Path:
        store = self._directory / f"{name}.keystore.pem"
        store.write_text(key.read_text("utf-8") + certificate.read_text("utf-8"), encoding="utf-8")
        return store

    def settings(self, user: str, mechanism: str = "SCRAM-SHA-256", **changed: Any) -> dict[str, Any]:
        """Of the engine, to reach `secure` as a user."""
        return {
            "bootstrap_servers": self.secure,
            "kafka_security_protocol": "SASL_SSL",
            "kafka_sasl_mechanism": mechanism,
            "kafka_user": user,
            "kafka_password": PASSWORDS[user],
            "kafka_ca_file": str(self.authority.ca),
            **changed,
        }


def redis_tls(authority: Authority, port: int) -> dict[str, str]:
    """Settings of a Redis, or of a sentinel, that speaks TLS on `port`."""
    certificate, key = authority.signed("redis")
    return {
        "tls-port": str(port),
        "tls-cert-file": str(certificate),
        "tls-key-file": str(key),
        "tls-ca-cert-file": str(authority.ca),
        "tls-auth-clients": "optional",
    }


def speaking_tls(start: Callable[[], T]) -> T:
    """Start a Redis with settings of TLS. Raises ProgramMissing where it was built without, as the bundled one is."""
    try:
        return start()
    except ServerNotStarted as error:
        if "TLS support" in str(error) or "tls-port" in str(error):
            raise ProgramMissing("`redis-server` with TLS is not on the PATH: install Redis or Valkey") from error
        raise


class SecuredRedis:
    """A server with the users of deploy/redis/users.acl. `plain`: a user of the tests may do everything there. `url`:
    TLS, for the user of the file."""

    def __init__(self, directory: Path, authority: Authority, **settings: str) -> None:
        self.authority, self.port = authority, free_port()
        directory.mkdir(parents=True, exist_ok=True)
        users = directory / "users.acl"
        rules = "".join(file.read_text(encoding="utf-8") for file in (USERS, OWN_PAGE))
        users.write_text(f"{rules.rstrip()}\nuser eyes on >{EYES} ~* &* +@all\n", encoding="utf-8")
        told = {
            **redis_tls(authority, self.port),
            "aclfile": str(users),
            **settings,
        }
        self.server = EmbeddedRedis(directory, appendfsync="always", settings=told)

    def start(self) -> None:
        """Raises ProgramMissing where the server was built without TLS."""
        speaking_tls(self.server.start)

    @property
    def plain(self) -> str:
        return f"redis://eyes:{EYES}@{LOOPBACK}:{self.server.port}/0"

    @property
    def url(self) -> str:
        return f"rediss://{LOOPBACK}:{self.port}/0"

    def settings(self, **changed: Any) -> dict[str, Any]:
        """Of the engine, to reach `url` as the user of the file."""
        return {
            "redis_url": self.url,
            "redis_user": "retention",
            "redis_password": FILES_PASSWORD,
            "redis_ca_file": str(self.authority.ca),
            **changed,
        }


def environment(settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings as variables of a process."""
    return {f"RETENTION_{name.upper()}": str(value) for name, value in settings.items()}
