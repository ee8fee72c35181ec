"""docs/policy.md tells every key of the policy file, as the types have it."""

from __future__ import annotations

import pytest
from msgspec import Struct, structs

from models.decisions.policy.parts import Part
from tests.support.policy_docs import DOCS, current, tables, told


def test_the_reference_is_that_of_the_types() -> None:
    assert DOCS.read_text(encoding="utf-8") == current(), "write it anew: python -m tests.support.policy_docs"


def test_every_table_has_its_place() -> None:
    ours = {kind for kind in Part.__subclasses__() if kind.__module__.startswith("models.decisions.policy.")}
    assert {kind for _, kind in tables()} == ours


@pytest.mark.parametrize(("key", "kind"), tables(), ids=lambda value: getattr(value, "__name__", value))
def test_every_key_has_words(key: str, kind: type[Struct]) -> None:
    about, words = told(kind)
    assert about
    assert [field.encode_name for field in structs.fields(kind) if not words.get(field.encode_name)] == []
