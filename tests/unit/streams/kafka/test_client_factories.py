"""Clients of Kafka and Redis are built in one place each, so that none is left without its security."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

STREAMS = Path(__file__).resolve().parents[4] / "streams"

CLIENTS = {
    "kafka/clients.py": {
        *("KafkaConsumer", "KafkaProducer", "KafkaAdminClient"),
        *("AIOKafkaConsumer", "AIOKafkaProducer", "AIOKafkaClient", "AIOKafkaAdminClient"),
    },
    "consumer/app.py": {"RetentionApp", "App"},
    "store/redis/connection.py": {
        "Redis",
        "BlockingRedis",
        "StrictRedis",
        "RedisCluster",
        "ConnectionPool",
        "Sentinel",
    },
}
"""The classes by the only module that may make one."""

BUILDERS = ("from_url", "from_pool")
ADDRESSES = ("bootstrap_servers", "redis_url")


def built(source: str) -> set[str]:
    """Names of the client classes that a module makes something of."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        made = node.func
        if (
            isinstance(made, ast.Name) and made.id == "opened" and node.args
        ):  # streams/kafka/open.py makes what it is given
            made = node.args[0]
        if isinstance(made, ast.Attribute) and made.attr in BUILDERS:
            made = made.value
        name = made.attr if isinstance(made, ast.Attribute) else made.id if isinstance(made, ast.Name) else ""
        found |= {name} & set().union(*CLIENTS.values())
    return found


def test_each_client_is_built_in_its_own_module_only() -> None:
    modules = {path: built(path.read_text(encoding="utf-8")) for path in STREAMS.rglob("*.py")}
    for home, classes in CLIENTS.items():
        assert any(str(path.relative_to(STREAMS)) == home and names & classes for path, names in modules.items()), home
        others = {str(path.relative_to(STREAMS)) for path, names in modules.items() if names & classes} - {
            str(path.relative_to(STREAMS)) for path in modules if str(path.relative_to(STREAMS)) == home
        }
        assert others == set(), f"{others} make one of {sorted(classes)}; that belongs into {home}"


@pytest.mark.parametrize(
    "line",
    [
        "KafkaConsumer()",
        "kafka.KafkaConsumer(a=1)",
        "redis.Redis.from_url(u)",
        "Redis(port=1)",
        "x = faust.App('a')",
        "opened(KafkaConsumer)",
    ],
)
def test_a_client_is_found_however_it_is_built(line: str) -> None:
    assert built(line)


def test_no_factory_is_given_a_bare_address_of_the_configuration() -> None:
    """Of Kafka's the type checker sees it; Redis' factory takes a URL too."""
    for path in STREAMS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                first = node.args[0]
                bare = isinstance(first, ast.Attribute) and first.attr in ADDRESSES
                assert not (bare and node.func.id in ("connect", "TouchpointPublisher", "TriggerConsumer")), path
