"""docs/cli.md, by command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    """The text below `## heading`."""
    found = re.search(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", TEXT, flags=re.MULTILINE | re.DOTALL)
    assert found is not None, f"docs/cli.md has no section {heading}"
    return found[1]


def undocumented(heading: str, told: Any, open_names: frozenset[str] = frozenset()) -> list[str]:
    """Names of fields in `told` that the section does not name. open_names: fields whose own fields are data."""
    return sorted({name for name in _names(told, open_names) if f"`{name}`" not in section(heading)})


def _names(told: Any, open_names: frozenset[str]) -> Iterator[str]:
    if isinstance(told, list):
        for one in told:
            yield from _names(one, open_names)
    elif isinstance(told, dict):
        for name, value in told.items():
            yield name
            if name not in open_names:
                yield from _names(value, open_names)
