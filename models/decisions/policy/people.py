"""Who may change a policy: what a change touches, who may propose it, and which approvals it lacks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

import msgspec
from msgspec import structs

from models.decisions.policy.people_types import People
from models.decisions.policy.types import Policy

ALL: Final = "all"
"""In place of a section: each of them."""
SECTIONS: Final = tuple(field.encode_name for field in structs.fields(Policy))
_encode: Final = msgspec.json.Encoder().encode


class Lack(NamedTuple):
    """What a section's change lacks. needed: people who approve it. have: those who do, and may. could: who may."""

    section: str
    needed: int
    have: tuple[str, ...]
    could: tuple[str, ...]

    @property
    def words(self) -> str:
        have = f"has {', '.join(self.have)}" if self.have else "has nobody's approval"
        return f"{self.section} needs {self.needed} of {', '.join(self.could) or 'nobody'}, and {have}"


def sections_changed(old: Policy | None, new: Policy) -> tuple[str, ...]:
    """The sections in which two policies differ, the order of tables and lists included; None: there was no policy."""
    before = {} if old is None else _sections(old)
    after = _sections(new)
    return tuple(name for name in SECTIONS if before.get(name) != after.get(name))


def may_not_propose(people: People | None, who: str, sections: Collection[str]) -> tuple[str, ...]:
    """Of these sections those of which somebody may propose no change."""
    if people is None:
        return ()
    person = people.may.get(who)
    return tuple(one for one in sections if person is None or not _holds(person.propose, one))


def may_approve(people: People | None, who: str, sections: Collection[str]) -> tuple[str, ...]:
    """Of these sections those of which somebody may approve a change."""
    if people is None:
        return tuple(sections)
    person = people.may.get(who)
    return tuple(one for one in sections if person is not None and _holds(person.approve, one))


def lacking(people: People | None, sections: Collection[str], approvers: Collection[str], touched: int) -> list[Lack]:
    """What a change lacks before it may be applied; empty: nothing.

    Args:
        people: of the policy from which it is made; None: everybody may change everything.
        sections: that it changes.
        approvers: who has approved it; a name counts once, and only where it may.
        touched: customers, in the first day.
    """
    if people is None:
        return []
    needed = 1 if people.two_from is None or touched < people.two_from else 2
    found = []
    for section in sections:
        could = tuple(name for name in people.may if may_approve(people, name, (section,)))
        have = tuple(name for name in could if name in approvers)
        if len(have) < needed:
            found.append(Lack(section, needed, have, could))
    return found


def _holds(sections: Collection[str], section: str) -> bool:
    return section in sections or ALL in sections


def _sections(policy: Policy) -> Mapping[str, bytes]:
    """By section, what it says: two that say the same in the same order are equal. What is the default is left out."""
    return {name: _encode(value) for name, value in msgspec.to_builtins(policy).items()}
