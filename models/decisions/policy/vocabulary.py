"""How much of the policy file's language this release reads: its format, and how many words it knows of that format.

Within one format words are added and none is taken away. So of two releases the one that knows fewer may find a key, a
choice or a field in a policy that it has never heard of; the other reads all that the first one does.
"""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from msgspec import Struct, structs

from models.decisions.policy.conditions import PERSON_FIELDS, TOUCHPOINTS, fields_of
from models.decisions.policy.parts import FORMAT, Condition
from models.decisions.policy.types import Policy
from models.decisions.policy.wording import bare


@cache
def policy_read() -> tuple[int, int]:
    """The format, and the words: keys and their choices, touchpoints, and what conditions may name.

    Of two releases the lower one is the older.
    """
    fields = sum(1 + len(fields_of(touchpoint)) for touchpoint in TOUCHPOINTS)
    return FORMAT, words_of(Policy) + len(PERSON_FIELDS) + fields


def words_of(wanted: Any) -> int:
    """Of a type: keys of its tables, and choices.

    >>> words_of(Literal["risk", "touchpoint"])
    2
    """
    inner, _ = bare(wanted)
    if get_origin(inner) is Literal:
        return len(get_args(inner))
    if isinstance(inner, type) and issubclass(inner, Struct):
        own = structs.fields(inner)
        # A condition holds conditions.
        return len(own) if inner is Condition else sum(1 + words_of(field.type) for field in own)
    if get_origin(inner) in (dict, tuple, Union, UnionType):
        return sum(words_of(part) for part in get_args(inner) if part is not Ellipsis)
    return 0
