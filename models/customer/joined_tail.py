"""Two records of one customer become one: what is known of the person. Each part says how, in one table.

What the customer's own id says counts; what it does not say the other one does. Where one of both keeps something from
the customer (a refusal, a restriction, a limit), it is kept from them: the stricter counts, whichever is newer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from models.customer.consent import EVERY, MAX_STATEMENTS, Register, Statement, pack_register, state, unpack_register
from models.customer.contract import ENDED, unpack_contract
from models.customer.interests import MAX_INTERESTS, faded_to, pack_interests, unpack_interests
from models.customer.restrictions import FOR_GOOD, Restriction, pack_restrictions, unpack_restrictions
from models.customer.tail import MAX_CASE_BYTES, MAX_MORE_CASES, MAX_OPEN_CASES, NOT_STATED, Tail

How = Callable[[Tail, Tail], Any]
"""What a field of the customer's own tail is afterwards, given both tails."""


def stricter(one: Register, other: Register) -> Register:
    """Consent as both allow it: what either refused is refused, and no grant of the other opens it.

    >>> yes, no = Statement(True, 9), Statement(False, 3)
    >>> stricter({("marketing", "email"): yes}, {("marketing", ""): no})
    {('marketing', ''): Statement(granted=False, time=3, expires=0, basis='', confirmed=False, reference=0)}
    """
    joined: Register = {}
    refused: list[tuple[tuple[str, str], Statement]] = []
    for key in sorted(one.keys() | other.keys()):
        said = [register[key] for register in (one, other) if key in register]
        general = [register.get((key[0], EVERY)) for register in (one, other) if key not in register]
        if not all(each.granted for each in said):
            refused.append((key, Statement(False, max(each.time for each in said if not each.granted))))
        elif not any(each is not None and not each.granted for each in general):
            joined[key] = min(said, key=lambda each: (each.expires or 2**62, each.time))
    for key, said_no in refused:
        if len(joined) >= MAX_STATEMENTS:
            granted = next((known for known, each in joined.items() if each.granted), None)
            if granted is None:  # nothing but refusals: one of them closes all channels of its purpose
                state(joined, key[0], (), said_no)
                continue
            del joined[granted]
        joined[key] = said_no
    while len(joined) > MAX_STATEMENTS:
        del joined[next(known for known, each in joined.items() if each.granted)]
    return dict(sorted(joined.items()))


def restricted_by_both(one: dict[str, Restriction], other: dict[str, Restriction]) -> dict[str, Restriction]:
    """For each reason what both restrict, until the later of both ends."""
    joined = dict(one)
    for reason, theirs in other.items():
        mine = joined.get(reason)
        if mine is None:
            joined[reason] = theirs
            continue
        for_good = FOR_GOOD in (mine.until, theirs.until)
        until = FOR_GOOD if for_good else max(mine.until, theirs.until)
        joined[reason] = Restriction(mine.purposes | theirs.purposes, max(mine.time, theirs.time), until)
    return joined


def interests_of_both(one: bytes, other: bytes) -> bytes:
    """Decayed counts added, as of the later of both; the strongest are kept."""
    (first, mine), (second, theirs) = unpack_interests(one), unpack_interests(other)
    newest = max(first, second)
    counts = faded_to(mine, newest - first)
    for topic, count in faded_to(theirs, newest - second).items():
        counts[topic] = min(counts.get(topic, 0.0) + count, 60_000.0)
    strongest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MAX_INTERESTS]
    return pack_interests(newest, dict(strongest))


def contract_of_both(one: bytes, other: bytes) -> bytes:
    """The one that runs; of two that do the customer's own."""
    if one and unpack_contract(one).state != ENDED:
        return one
    return other if other and (not one or unpack_contract(other).state != ENDED) else one


def cases_of_both(one: Tail, other: Tail) -> tuple[dict[str, int], int]:
    """Open cases of both, and how many more there are beyond what a record has room for."""
    cases, more = dict(one.cases), one.more_cases + other.more_cases
    size = sum(len(name.encode()) for name in cases)
    for name, opened in other.cases.items():
        if name in cases:
            cases[name] = min(cases[name], opened)
        elif len(cases) < MAX_OPEN_CASES and size + len(name.encode()) <= MAX_CASE_BYTES:
            cases[name], size = opened, size + len(name.encode())
        else:
            more += 1
    return cases, min(more, MAX_MORE_CASES)


def _stated(name: str, nothing: Any = None) -> How:
    """The customer's own where it says anything, else the other's."""

    def joined(own: Tail, other: Tail) -> Any:
        mine, theirs = getattr(own, name), getattr(other, name)
        return theirs if not mine or mine == nothing else mine

    return joined


def _own(name: str) -> How:
    """The customer's own: what belongs to its open episode, or to the id itself."""
    return lambda own, other: getattr(own, name)


def _fewest(own: Tail, other: Tail) -> int:
    stated = [each.max_per_week for each in (own, other) if each.max_per_week != NOT_STATED]
    return min(stated, default=NOT_STATED)


def _consents(own: Tail, other: Tail) -> bytes:
    return pack_register(stricter(unpack_register(own.consents), unpack_register(other.consents)))


def _restrictions(own: Tail, other: Tail) -> bytes:
    mine, theirs = unpack_restrictions(own.restrictions), unpack_restrictions(other.restrictions)
    return pack_restrictions(restricted_by_both(mine, theirs))


def _present(own: Tail, other: Tail) -> Tail:
    """Whose word on presence is the newer."""
    return other if other.presence_at > own.presence_at else own


OF_PERSON: Final[dict[str, How]] = {
    "channels": _stated("channels"),
    "topics": _stated("topics"),
    "max_per_week": _fewest,
    "quiet": _stated("quiet"),
    "time_zone": _stated("time_zone"),
    "rewards": _stated("rewards"),
    "customer_class": _stated("customer_class"),
    "programme": _stated("programme"),
    "cases": lambda own, other: cases_of_both(own, other)[0],
    "presence": lambda own, other: _present(own, other).presence,
    "opener": _own("opener"),
    "trigger": _own("trigger"),
    "step": _own("step"),
    "consents": _consents,
    "restrictions": _restrictions,
    "silent_until": lambda own, other: max(own.silent_until, other.silent_until),
    "language": _stated("language"),
    "country": _stated("country"),
    "account": _stated("account"),
    "role": _stated("role"),
    "presence_at": lambda own, other: _present(own, other).presence_at,
    "interests": lambda own, other: interests_of_both(own.interests, other.interests),
    "contract": lambda own, other: contract_of_both(own.contract, other.contract),
    "more_cases": lambda own, other: cases_of_both(own, other)[1],
    "merged": _own("merged"),
}
"""By field of the tail. Those of policy and points are in `models.decisions.joined`."""


def join_person(own: Tail, other: Tail) -> None:
    """Let a customer's tail have what another one says of the person, too."""
    joined = {name: how(own, other) for name, how in OF_PERSON.items()}
    for name, value in joined.items():
        setattr(own, name, value)
