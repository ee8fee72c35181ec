"""Finds where each setting's value comes from: default, file or environment. `streams.config` decides; this reports.

Of the environment it looks at names only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from streams.config import GROUPS, Config, settings_file, shown

PREFIX = "RETENTION_"
NO_SETTINGS = ("CONFIG", "CACHE", "CRASH_POINT", "TEST_REQUIRE", "CHAOS_SECONDS", "CHAOS_SEED")
"""Variables with our prefix that are no settings: the file, the data sets' folder, and what only tests use."""

ALIKE = 0.7
"""How close a name must be to be suggested, from 0 to 1 (difflib)."""


class Source(StrEnum):
    """From the strongest to the weakest."""

    COMMAND_LINE = "command line"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


class Origin(NamedTuple):
    """Where a value comes from. `where`: the option, the variable, or PATH:LINE; empty for a default."""

    source: Source
    where: str


class Effective(NamedTuple):
    """A setting as it counts. `value` and `default` as they may be shown, in JSON's types."""

    group: str
    value: Any
    default: Any
    origin: Origin


class Misspelt(NamedTuple):
    """A variable that sets nothing. `suggestion`: the variable that was probably meant, or None."""

    name: str
    suggestion: str | None


def effective(config: Config, given: Mapping[str, Any]) -> dict[str, Effective]:
    """Every setting by name, in the order of docs/configuration.md.

    config: what `streams.config.load(**given)` returned in this environment. given: what the command line says.
    """
    values = config.model_dump(mode="json")
    defaults = Config.model_construct().model_dump(mode="json")
    origins = _origins(given)
    return {
        name: Effective(group, shown(name, values[name]), shown(name, defaults[name]), origins[name])
        for name, group in groups()
    }


def groups() -> Iterator[tuple[str, str]]:
    """(setting, its group's heading), in order."""
    heading_of = {first: heading for heading, first in GROUPS.items()}
    members: dict[str, list[str]] = {heading: [] for heading in GROUPS}
    heading = ""
    for name in Config.model_fields:
        heading = heading_of.get(name, heading)
        members[heading].append(name)
    for heading, names in members.items():
        yield from ((name, heading) for name in names)


def _origins(given: Mapping[str, Any]) -> dict[str, Origin]:
    # The environment's names count whatever their case.
    variables = {name.upper(): name for name in os.environ}
    file = settings_file()
    lines = _lines(file) if file else {}

    def of(name: str) -> Origin:
        if given.get(name) is not None:
            return Origin(Source.COMMAND_LINE, f"--{name.replace('_', '-')}")
        if (variable := variables.get(f"{PREFIX}{name.upper()}")) is not None:
            return Origin(Source.ENVIRONMENT, variable)
        if name in lines:
            return Origin(Source.FILE, f"{file}:{lines[name]}")
        return Origin(Source.DEFAULT, "")

    return {name: of(name) for name in Config.model_fields}


def _lines(file: str) -> dict[str, int]:
    """The line of each setting in a TOML file that was read as one."""
    found: dict[str, int] = {}
    for number, line in enumerate(Path(file).read_text(encoding="utf-8").splitlines(), 1):
        if match := re.match(r"""\s*["']?([A-Za-z0-9_]+)["']?\s*=""", line):
            found.setdefault(match[1], number)
    return found


def misspelt(names: Iterable[str] | None = None) -> list[Misspelt]:
    """Variables of the environment (or `names`) that look like settings and set nothing."""
    known = [name.upper() for name in Config.model_fields]
    found = []
    for variable in sorted(os.environ if names is None else names):
        name = variable.upper().removeprefix(PREFIX)
        # Compared without the prefix, which would make everything alike.
        if variable.upper().startswith(PREFIX) and name not in (*known, *NO_SETTINGS):
            close = get_close_matches(name, known, 1, ALIKE)
            found.append(Misspelt(variable, PREFIX + close[0] if close else None))
    return found
