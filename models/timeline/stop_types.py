"""A stop, and what is known of stops: plain types that the shard's state, the flag and the orders to senders share."""

from __future__ import annotations

import msgspec

MARKETING, CARE = "marketing", "care"


class Stop(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What an operator has stopped. What fits all selectors that it has is stopped; without any, everything is.

    number: its own, by which it is ended: the operator's time in ms, or the next free one. purposes, actions,
    countries, kinds: selectors, each a list of which one must be true. by, why: who stopped it, and why.
    """

    number: int
    purposes: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    by: str = ""
    why: str = ""

    def fits(self, purpose: str, action: str, country: str, kind: str) -> bool:
        """Whether it stops an action. A customer whose country nobody knows may live in any."""
        return (
            (not self.purposes or purpose in self.purposes)
            and (not self.actions or action in self.actions)
            and (not self.countries or not country or country in self.countries)
            and (not self.kinds or kind in self.kinds)
        )

    @property
    def words(self) -> str:
        """What is stopped, in words.

        >>> Stop(1, purposes=("marketing",), countries=("DE", "FR")).words
        'purpose marketing, country DE or FR'
        """
        parts = {"purpose": self.purposes, "action": self.actions, "country": self.countries, "kind": self.kinds}
        return ", ".join(f"{name} {' or '.join(part)}" for name, part in parts.items() if part) or "everything"


class Stops(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What is stopped, and what was: standing, by number; ended, the numbers of the last that ended. ended_to: all
    others up to this number have ended, too."""

    standing: tuple[Stop, ...] = ()
    ended: tuple[int, ...] = ()
    ended_to: int = 0

    def fitting(self, purpose: str, action: str, country: str, kind: str) -> Stop | None:
        """The first stop that stops an action; None: nothing does."""
        return next((one for one in self.standing if one.fits(purpose, action, country, kind)), None)


def purpose_of(purpose: str, action: str) -> str:
    """The purpose of a trigger. One that settings made, and no policy, does not say it."""
    return purpose or (CARE if action == CARE else MARKETING)
