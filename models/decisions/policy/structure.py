"""Whether a policy file has the form of one: every key known, each value of its type; all that is wrong at once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, NamedTuple, get_args, get_origin

import msgspec
from msgspec import Struct, ValidationError, structs

from models.decisions.policy.parts import LONGEST_DURATION, Duration, ms_of
from models.decisions.policy.types import Policy
from models.decisions.policy.wording import bare, shown, takes


class Problem(NamedTuple):
    """What is wrong with a policy: key as in the file, such as ``action.offer.channels[1]``; its value; what it takes.

    key: empty of the file as a whole. value: empty where it is missing.
    """

    key: str
    value: str
    takes: str

    @property
    def words(self) -> str:
        """As a sentence without its full stop."""
        subject = self.key or "the file"
        return f"{subject} is {self.value}; {self.takes}" if self.value else f"{subject} is missing; {self.takes}"


def faults_of_form(document: dict[str, Any]) -> list[Problem]:
    """What keeps a decoded TOML document from being a `Policy`; nothing, where it is one in form."""
    return list(_table(document, Policy, ""))


def meant(name: str, known: Iterable[str]) -> str:
    """What to give in place of an unknown name: the nearest, where one is near."""
    known = list(known)
    near = get_close_matches(name, known, n=1)
    return f'did you mean "{near[0]}"? ' if near else ""


def _value(value: object, wanted: Any, at: str) -> Iterable[Problem]:
    inner, _ = bare(wanted)
    if isinstance(inner, type) and issubclass(inner, Struct):
        return _table(value, inner, at)
    parts = get_origin(inner)
    if parts is dict and isinstance(value, dict):
        found = [problem for name, one in value.items() for problem in _named(name, one, inner, at)]
    elif parts is tuple and isinstance(value, list):
        found = [problem for n, one in enumerate(value) for problem in _value(one, get_args(inner)[0], f"{at}[{n}]")]
    else:
        found = []
    return found or _whole(value, wanted, at)


def _named(name: str, value: object, table: Any, at: str) -> Iterable[Problem]:
    """An entry of a table whose names the policy's author chooses."""
    of_name, of_value = get_args(table)
    key = f"{at}.{name}"
    try:
        msgspec.convert(name, of_name)
    except ValidationError:
        yield Problem(key, f"named {shown(name)}", f"give {takes(of_name)}")
        return
    yield from _value(value, of_value, key)


def _table(value: object, kind: type[Struct], at: str) -> Iterable[Problem]:
    if not isinstance(value, dict):
        yield Problem(at, shown(value), f"give {takes(kind)}")
        return
    fields = {field.encode_name: field for field in structs.fields(kind)}
    for name, one in value.items():
        key = f"{at}.{name}" if at else name
        if name in fields:
            yield from _value(one, fields[name].type, key)
        else:
            known = f"known are {', '.join(fields)}"
            yield Problem(key, "no key that is known here", f"{meant(name, fields)}{known}")
    for name, field in fields.items():
        if field.required and name not in value:
            yield Problem(f"{at}.{name}" if at else name, "", f"give {takes(field.type)}")


def _whole(value: object, wanted: Any, at: str) -> Iterable[Problem]:
    """A value whose parts are in order, or that has none."""
    numbers = value if isinstance(value, list) else [value]
    if any(isinstance(one, float) and not math.isfinite(one) for one in numbers):
        yield Problem(at, shown(value), f"give {takes(wanted)}")
        return
    try:
        msgspec.convert(value, wanted)
    except (ValidationError, OverflowError):
        yield Problem(at, shown(value), f"give {takes(wanted)}")
        return
    if isinstance(value, str) and bare(wanted) == bare(Duration) and ms_of(value) > LONGEST_DURATION:
        yield Problem(at, shown(value), "give at most ten years, 3650d")
