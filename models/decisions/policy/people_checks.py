"""Whether what a policy says of people makes sense: sections exist, and nobody is locked out."""

from __future__ import annotations

from collections.abc import Iterator

from models.decisions.policy.people import ALL, SECTIONS, may_approve, may_not_propose
from models.decisions.policy.structure import Problem, meant
from models.decisions.policy.types import Policy
from models.decisions.policy.wording import shown

OWN = "people"
"""The section that says who may change the others, and itself."""


def faults_of_people(policy: Policy) -> Iterator[Problem]:
    people = policy.people
    if people is None:
        return
    for name, person in people.may.items():
        for what, sections in (("propose", person.propose), ("approve", person.approve)):
            for n, section in enumerate(sections):
                if section not in (*SECTIONS, ALL):
                    near = meant(section, SECTIONS)
                    takes = f'{near}give "{ALL}", or a top-level key of the file: {", ".join(SECTIONS)}'
                    yield Problem(f"people.may.{name}.{what}[{n}]", shown(section), takes)
    if not any(not may_not_propose(people, name, (OWN,)) for name in people.may):
        yield Problem("people.may", "nobody may propose people", f'give somebody propose = ["{OWN}"], or "{ALL}"')
    needed = 1 if people.two_from is None else 2
    could = [name for name in people.may if may_approve(people, name, (OWN,))]
    if len(could) < needed:
        told = ", ".join(could) or "nobody"
        yield Problem(
            "people.may",
            f"{told} may approve people",
            f'give {needed} of them approve = ["{OWN}"], or "{ALL}": else nobody could change it any more',
        )
