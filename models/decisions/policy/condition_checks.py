"""Whether a condition of a policy can be answered: it has one form, names known fields, compares like with like."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, Literal, get_args, get_origin

from models.decisions.policy.conditions import sort_of
from models.decisions.policy.parts import Condition, Value
from models.decisions.policy.structure import Problem, meant
from models.decisions.policy.wording import bare, one_of, shown

_TAKES: Final = {"text": "text", "number": "a number", "truth": "true or false", "list": "text"}
_OPERATORS: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ("==", "!=", "in", "not in", "contains"),
    "number": ("==", "!=", "<", "<=", ">", ">=", "in", "not in"),
    "truth": ("==", "!="),
    "list": ("contains",),
}
"""Which comparisons a sort of field has."""


def faults_of_condition(
    key: str, condition: Condition, fields: Mapping[str, Any], protected: Collection[str]
) -> Iterator[Problem]:
    """What is wrong with a condition.

    Args:
        key: where it stands.
        condition: of the policy.
        fields: that it may name, with their types.
        protected: fields that no condition may name.
    """
    comparison = any(part is not None for part in (condition.field, condition.op, condition.value))
    forms = [name for name in ("all", "any", "not") if _part(condition, name) is not None]
    if comparison + len(forms) != 1:
        told = ", ".join([*(["a comparison"] if comparison else []), *forms]) or "empty"
        takes = "give either field, op and value, or one of all, any, not"
        yield Problem(key, told if told == "empty" else f"several things at once ({told})", takes)
        return
    if comparison:
        yield from _comparison(key, condition, fields, protected)
        return
    [form] = forms
    inner = _part(condition, form)
    if isinstance(inner, Condition):
        yield from faults_of_condition(f"{key}.{form}", inner, fields, protected)
        return
    if not inner:
        yield Problem(f"{key}.{form}", "empty", "give at least one condition")
    for n, one in enumerate(inner):
        yield from faults_of_condition(f"{key}.{form}[{n}]", one, fields, protected)


def _part(condition: Condition, form: str) -> Any:
    return condition.not_ if form == "not" else getattr(condition, form)


def _comparison(
    key: str, condition: Condition, fields: Mapping[str, Any], protected: Collection[str]
) -> Iterator[Problem]:
    missing = [name for name in ("field", "op", "value") if getattr(condition, name) is None]
    for name in missing:
        yield Problem(f"{key}.{name}", "", "give field, op and value")
    field = condition.field
    if field is None:
        return
    if field in protected:
        yield Problem(f"{key}.field", shown(field), "name another one: `protected` forbids to decide by it")
        return
    if field not in fields:
        yield Problem(f"{key}.field", shown(field), f"{meant(field, fields)}give {one_of(fields)}")
        return
    if not missing:
        yield from _like(key, condition, fields[field])


def _like(key: str, condition: Condition, wanted: Any) -> Iterator[Problem]:
    """Whether operator and value go with the field's type."""
    sort, op, value = sort_of(wanted) or "", condition.op or "", condition.value
    if op not in _OPERATORS[sort]:
        takes = f"give {one_of(_OPERATORS[sort])}: {condition.field} is {'a list' if sort == 'list' else _TAKES[sort]}"
        yield Problem(f"{key}.op", shown(op), takes)
        return
    if op in ("in", "not in"):
        if not isinstance(value, tuple) or not value:
            yield Problem(f"{key}.value", shown(value), f"give a list of what it may be, each {_TAKES[sort]}")
            return
        for n, one in enumerate(value):
            yield from _one(f"{key}.value[{n}]", one, sort, wanted)
    elif op == "contains":
        yield from _one(f"{key}.value", value, "text", get_args(bare(wanted)[0])[0] if sort == "list" else None)
    else:
        yield from _one(f"{key}.value", value, sort, wanted)
        yield from _never(f"{key}.value", op, value, wanted)


def _never(key: str, op: str, value: Value | None, wanted: Any) -> Iterator[Problem]:
    """Whether no number of a field is so, by its bounds."""
    least, most = bare(wanted)[1].ge, bare(wanted)[1].le
    if not isinstance(value, int | float) or isinstance(value, bool) or least is None or most is None:
        return
    above = value > most or (op == ">" and value == most)
    below = value < least or (op == "<" and value == least)
    if (above and op in ("==", ">", ">=")) or (below and op in ("==", "<", "<=")):
        yield Problem(key, shown(value), f"give a number between {least:g} and {most:g}: nothing else comes")


_FITS: Final[dict[str, tuple[type, ...]]] = {"text": (str,), "list": (str,), "truth": (bool,), "number": (int, float)}


def _one(key: str, value: Value | None, sort: str, wanted: Any) -> Iterator[Problem]:
    if not isinstance(value, _FITS[sort]) or (sort == "number" and isinstance(value, bool)):
        yield Problem(key, shown(value), f"give {_TAKES[sort]}")
        return
    inner = bare(wanted)[0] if wanted is not None else None
    if get_origin(inner) is Literal and value not in get_args(inner):
        known = get_args(inner)
        yield Problem(key, shown(value), f"{meant(str(value), known)}give {one_of(known)}")
