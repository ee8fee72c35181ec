"""docker-compose.yml against the Compose specification's own schema, vendored beside this file."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.unit.deploy.compose import COMPOSE_FILE, compose, demo_variables, services

SCHEMA = json.loads((Path(__file__).parent / "compose_spec" / "compose-spec.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


def faults(document: dict[str, Any]) -> list[str]:
    return [f"{fault.json_path}: {fault.message}" for fault in VALIDATOR.iter_errors(document)]


def test_the_file_is_valid_as_it_stands_live_and_as_the_demo() -> None:
    assert faults(yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))) == []
    assert faults(compose()) == []
    assert faults(compose(demo_variables())) == []


@pytest.mark.parametrize(
    ("service", "key", "value"),
    [
        ("worker-1", "comand", ["worker"]),
        ("redis", "stop_grace_period", 30),
        ("kafka", "ports", {"29092": 29092}),
        ("topics", "depends_on", {"kafka": {"condition": "service_ready"}}),
    ],
)
def test_the_schema_notices_a_mistake(service: str, key: str, value: object) -> None:
    broken = copy.deepcopy(compose())
    broken["services"][service][key] = value
    assert faults(broken)


def test_no_key_is_written_twice() -> None:
    # YAML takes the second and says nothing.
    def check(node: yaml.Node) -> None:
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            assert len(keys) == len(set(keys)), f"line {node.start_mark.line + 1}: {keys}"
            for _, inner in node.value:
                check(inner)
        elif isinstance(node, yaml.SequenceNode):
            for inner in node.value:
                check(inner)

    check(yaml.compose(COMPOSE_FILE.read_text(encoding="utf-8"), Loader=yaml.SafeLoader))


def test_the_own_page_believes_no_header_that_is_not_named() -> None:
    """Its port is published, and no proxy of ours stands before it."""

    def header(variables: dict[str, str]) -> str:
        command = services(variables)["own-page"]["command"]
        return str(command[command.index("--customer-header") + 1])

    assert header({}) == ""
    assert header({"OWN_PAGE_CUSTOMER_HEADER": "X-Customer"}) == "X-Customer"
