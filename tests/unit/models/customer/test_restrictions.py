"""Restrictions of a customer: what is kept of them."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from models.customer.restrictions import (
    ACTION_PURPOSES,
    NOT_OF_AGE,
    ON_REQUEST,
    REASONS,
    Restriction,
    pack_restrictions,
    purposes_of,
    restricted,
    unpack_restrictions,
)
from models.settings import SECOND
from models.touchpoints import fields

entries = st.builds(
    Restriction,
    purposes=st.frozensets(st.sampled_from(ACTION_PURPOSES)),
    time=st.integers(0, 2**48 - 1),
    until=st.integers(0, 2**32 - 1).map(lambda second: second * SECOND),
)


@given(st.dictionaries(st.sampled_from(REASONS), entries))
def test_restrictions_come_back_as_they_were_stored(restrictions: dict[str, Restriction]) -> None:
    stored = pack_restrictions(restrictions)
    assert len(stored) == 12 * len(restrictions)
    assert unpack_restrictions(stored) == restrictions


def test_every_reason_and_purpose_of_a_touchpoint_has_a_number() -> None:
    assert (*get_args(fields.RestrictionReason), NOT_OF_AGE, ON_REQUEST) == REASONS
    assert get_args(fields.ActionPurpose) == ACTION_PURPOSES


def test_without_purposes_a_restriction_is_for_all_but_legal() -> None:
    all_but_legal = {"legal": "", "contract": "fraud", "care": "fraud", "marketing": "fraud"}
    for purpose, why in all_but_legal.items():
        assert restricted({"fraud": Restriction(purposes_of((), "fraud"), 1)}, purpose, 9) == why
    assert purposes_of(("marketing",), "test") == frozenset()
