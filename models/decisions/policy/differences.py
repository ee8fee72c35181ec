"""What differs between two policies, by the keys of the file."""

from __future__ import annotations

from typing import Any

import msgspec

from models.decisions.policy.types import Policy

Values = dict[str, Any]


def differences(old: Policy | None, new: Policy) -> dict[str, tuple[Any, Any]]:
    """The old and the new value of every key that differs; None: it is not given, or is the default."""
    before, after = ({} if old is None else flat(old)), flat(new)
    keys = [*before, *(key for key in after if key not in before)]
    return {key: (before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)}


def flat(policy: Policy) -> Values:
    """Every value that is not the default, by its key in the file, such as ``contact.caps[1].most``."""
    found: Values = {}
    _flatten(msgspec.to_builtins(policy), "", found)
    return found


def _flatten(value: Any, key: str, found: Values) -> None:
    if isinstance(value, dict) and value:
        for name, one in value.items():
            _flatten(one, f"{key}.{name}" if key else str(name), found)
    elif isinstance(value, list | tuple) and any(isinstance(one, dict) for one in value):
        for n, one in enumerate(value):
            _flatten(one, f"{key}[{n}]", found)
    else:
        found[key] = list(value) if isinstance(value, tuple) else value
