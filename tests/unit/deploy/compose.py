"""docker-compose.yml as data, its variables replaced as Compose replaces them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from streams.config import Config
from tests.support.servers import PROJECT

COMPOSE_FILE = PROJECT / "docker-compose.yml"
DEMO = PROJECT / "deploy" / "demo.env"

_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?P<default>:-[^}]*)?\}|\$(?P<plain>\w+)")

Service = dict[str, Any]


def compose(variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The file with `variables` in force. A variable without a value or default is a KeyError: Compose would warn."""
    text = COMPOSE_FILE.read_text(encoding="utf-8")
    found = _replaced(yaml.safe_load(text), variables or {})
    assert isinstance(found, dict)
    return found


def services(variables: Mapping[str, str] | None = None) -> dict[str, Service]:
    """Its services by name."""
    found = compose(variables)["services"]
    assert isinstance(found, dict)
    return found


def ours(variables: Mapping[str, str] | None = None) -> dict[str, Service]:
    """The services that run our image."""
    return {name: service for name, service in services(variables).items() if "build" in service}


def demo_variables() -> dict[str, str]:
    """What deploy/demo.env says."""
    lines = DEMO.read_text(encoding="utf-8").splitlines()
    return dict(line.partition("=")[::2] for line in lines if line and not line.startswith("#"))


def settings(service: Service) -> dict[str, str]:
    """A service's RETENTION_* variables."""
    return {name: value for name, value in service["environment"].items() if name.startswith("RETENTION_")}


def config_of(service: Service) -> Config:
    """The configuration that a service of ours finds in its environment."""
    told: dict[str, Any] = {name.removeprefix("RETENTION_").lower(): value for name, value in settings(service).items()}
    return Config(**told)


def _replaced(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, variables) for inner in value]
    if not isinstance(value, str):
        return value

    def one(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name = match["name"] or match["plain"]
        if not variables.get(name) and match["default"] is not None:
            return match["default"].removeprefix(":-")
        return variables[name]

    return _VARIABLE.sub(one, value)
