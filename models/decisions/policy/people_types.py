"""Tables of a policy file that say who may change it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from models.decisions.policy.parts import Identifier, Part

Customers = Annotated[int, Meta(ge=0, le=1_000_000_000_000)]


class Person(Part, frozen=True, kw_only=True):
    """What one person may do. A section is a top-level key of the file, such as `action` or `contact`; `all` is each of
    them.

    propose: sections of which they may propose changes. approve: sections of which they may approve changes.
    """

    propose: tuple[Identifier, ...] = ()
    approve: tuple[Identifier, ...] = ()


class People(Part, frozen=True, kw_only=True):
    """Who may change the policy, section by section, and how many people that takes. Without it everybody may change
    everything. The table that counts is that of the policy from which the change is made, not that of the new one.

    may: the people, by name. two_from: a change that touches so many customers in its first day needs two different
    people to approve each section that it changes; who proposed it may be one of the two. Without it one is enough.
    """

    may: Annotated[dict[Identifier, Person], Meta(min_length=1, max_length=64)]
    two_from: Customers | None = None
