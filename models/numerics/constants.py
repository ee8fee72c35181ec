"""The constants of modules as plain data, from which schemas are made."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Final

_ONLY_HOW: Final = {"LANES"}
"""Constants of how numbers are computed, which change none."""


def constants_of(modules: Iterable[ModuleType]) -> list[dict[str, object]]:
    """By module, what is named in capitals and is plain."""
    return [{name: value for name, value in vars(module).items() if _counts(name, value)} for module in modules]


def _counts(name: str, value: object) -> bool:
    return name.isupper() and name not in _ONLY_HOW and _is_plain(value)


def _is_plain(value: object) -> bool:
    return isinstance(value, int | float | str) or (isinstance(value, tuple) and all(map(_is_plain, value)))
