"""A release that knows more of the policy file says so by a higher number."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from models.decisions.policy.parts import FORMAT, Part
from models.decisions.policy.types import Policy
from models.decisions.policy.vocabulary import policy_read, words_of


class Before(Part, frozen=True, kw_only=True):
    sort: Literal["risk", "touchpoint"]
    most: Annotated[int, Meta(ge=1)] | None = None


class NewChoice(Part, frozen=True, kw_only=True):
    sort: Literal["risk", "touchpoint", "date"]
    most: Annotated[int, Meta(ge=1)] | None = None


class NewKey(Before, frozen=True, kw_only=True):
    least: int = 1


def test_each_key_and_each_choice_is_a_word_wherever_it_stands() -> None:
    assert words_of(Before) == 4
    assert words_of(NewChoice) == words_of(NewKey) == 5
    for nested in (dict[str, NewKey], tuple[NewKey, ...], NewKey | None, Annotated[tuple[NewKey, ...], Meta()]):
        assert words_of(nested) == 5


def test_a_release_says_its_format_first() -> None:
    told_format, words = policy_read()
    assert told_format == FORMAT
    assert words > words_of(Policy) > 150
