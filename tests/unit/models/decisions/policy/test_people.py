"""Who may change a policy, and how many people that takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decisions.policy.people import ALL, SECTIONS, lacking, may_approve, may_not_propose, sections_changed
from models.decisions.policy.people_types import People, Person
from models.decisions.policy.reading import PolicyUnfit, read_policy
from tests.unit.models.decisions.policy.test_reading import EXAMPLE, SMALL

TEAM = """
max_touched = 5000
[people]
two_from = 1000
[people.may.ada]
propose = ["all"]
approve = ["all"]
[people.may.bert]
propose = ["contact"]
approve = ["contact", "people"]
[people.may.cleo]
approve = ["action"]
"""
FIRST_LINES = "format = 1"


def policy(people: str = TEAM, text: str = SMALL) -> str:
    """SMALL has no table before its first key."""
    keys, _, tables = people.partition("[people]")
    head, _, rest = text.partition("\n[")
    return f"{head}\n{keys}\n[people]{tables}\n[{rest}"


def people() -> People:
    found = read_policy(policy()).people
    assert found is not None
    return found


def faults(text: str) -> list[str]:
    with pytest.raises(PolicyUnfit) as raised:
        read_policy(text)
    return [problem.words for problem in raised.value.problems]


def test_the_file_names_people_their_sections_and_from_how_many_customers_two_must_agree() -> None:
    found = read_policy(policy())
    assert found.people == people()
    assert (people().two_from, found.max_touched) == (1000, 5000)
    assert people().may["bert"] == Person(propose=("contact",), approve=("contact", "people"))


def test_without_the_table_everybody_may_everything() -> None:
    assert read_policy(SMALL).people is None
    assert may_not_propose(None, "whoever", SECTIONS) == ()
    assert may_approve(None, "whoever", ("risk",)) == ("risk",)
    assert lacking(None, SECTIONS, (), 10**9) == []


def test_who_is_not_named_may_nothing() -> None:
    assert may_not_propose(people(), "eve", ("risk",)) == ("risk",)
    assert may_approve(people(), "eve", SECTIONS) == ()


def test_each_changed_section_needs_somebody_who_may() -> None:
    (lack,) = lacking(people(), ("contact", "action"), ("bert",), 0)
    assert lack.words == "action needs 1 of ada, cleo, and has nobody's approval"
    assert lacking(people(), ("contact", "action"), ("bert", "cleo"), 0) == []
    assert lacking(people(), SECTIONS, ("ada",), 999) == []


def test_from_so_many_customers_on_two_people_are_needed() -> None:
    (lack,) = lacking(people(), ("contact",), ("ada", "ada"), 1000)
    assert lack.words == "contact needs 2 of ada, bert, and has ada"
    assert lacking(people(), ("contact",), ("ada", "bert"), 1000) == []
    (lack,) = lacking(people(), ("contact",), ("ada", "cleo"), 1000)
    assert lack.have == ("ada",)


@pytest.mark.slow
@given(
    st.sets(st.sampled_from(["ada", "bert", "cleo", "eve"])),
    st.sets(st.sampled_from(["ada", "bert", "cleo", "eve"])),
    st.sets(st.sampled_from(SECTIONS)),
    st.integers(0, 2000),
    st.integers(0, 2000),
)
def test_more_approvals_never_lack_more_and_more_customers_never_less(
    some: set[str], more: set[str], sections: set[str], fewer: int, many: int
) -> None:
    fewer, many = sorted((fewer, many))
    few = {lack.section for lack in lacking(people(), sections, some, fewer)}
    assert {lack.section for lack in lacking(people(), sections, some | more, fewer)} <= few
    assert few <= {lack.section for lack in lacking(people(), sections, some, many)}
    assert lacking(people(), sections, {"ada", "bert", "cleo"} & some, fewer) == lacking(
        people(), sections, some, fewer
    )


def test_a_change_is_told_by_section_the_order_of_tables_included() -> None:
    old = read_policy(EXAMPLE)
    assert sections_changed(old, read_policy(EXAMPLE + "\n# a comment\n")) == ()
    assert sections_changed(old, read_policy(EXAMPLE.replace("discount = 0.6", "discount = 0.7"))) == ("action",)
    small = read_policy(SMALL)
    assert sections_changed(small, read_policy(policy())) == ("people", "max_touched")
    assert "format" in sections_changed(None, small)
    turned = SMALL.replace("[channel.email]\n[channel.push]", "[channel.push]\n[channel.email]")
    assert turned != SMALL
    assert sections_changed(small, read_policy(turned)) == ("channel",)


def test_sections_that_are_none_are_named() -> None:
    (fault,) = faults(policy(TEAM.replace('"contact", "people"', '"contcat", "people"')))
    assert fault.startswith('people.may.bert.approve[0] is "contcat"; did you mean "contact"? give "all"')


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('propose = ["all"]', 'propose = ["risk"]', "people.may is nobody may propose people"),
        ('approve = ["contact", "people"]', 'approve = ["contact"]', "people.may is ada may approve people; give 2"),
    ],
)
def test_nobody_locks_everybody_out(old: str, new: str, told: str) -> None:
    (fault,) = faults(policy(TEAM.replace(old, new)))
    assert fault.startswith(told)


def test_names_are_identifiers() -> None:
    (fault,) = faults(policy(TEAM.replace("may.cleo", 'may."Cleo Smith"')))
    assert "Cleo Smith" in fault


def test_all_is_no_section() -> None:
    assert ALL not in SECTIONS
