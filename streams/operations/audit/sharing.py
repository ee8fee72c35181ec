"""What two customers are offered together: alike, agreed to, and both or neither; judged over all partitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from models.outputs import Decision, Trigger, Withdrawal
from models.touchpoints import Touch
from streams.operations.audit.breaches import Breach, Finding
from streams.operations.audit.dialogue import Dialogue, Sent
from streams.operations.audit.person import Person
from streams.operations.audit.policies import Policy
from streams.operations.audit.records import Place

LOST: Final = frozenset({"given_back"})
ARRIVED: Final = frozenset({"delivered", "late"})
NOT_ASKED: Final = frozenset({"no_cause", "asked_again"})
"""Rules that are about one customer's own touchpoint: here the other one's may have asked."""
_ALIKE: Final = ("action", "moment", "not_before", "content")


class Offer(NamedTuple):
    """A trigger of a group."""

    trigger: Trigger
    place: Place


class Sharing:
    """Of all partitions."""

    def __init__(self) -> None:
        self._offers: dict[str, list[Offer]] = {}
        self._proposed: dict[str, tuple[str, str]] = {}
        self._failed = set[str]()
        self._lost = set[str]()
        self._arrived = set[str]()

    def arrives(self, touch: Touch, dialogue: Dialogue | None, policy: Policy | None, now: int) -> Iterator[Sent]:
        """Another shard says something; the triggers that have to be taken back then."""
        data: Any = touch.data
        if data.step == "proposed":
            self._proposed[data.group] = (data.moment or "", data.action or "")
        if data.step != "failed":
            return
        self._failed.add(data.group)
        for offer in self._offers.get(data.group, ()):
            sent = dialogue.known(offer.trigger.id) if dialogue is not None else None
            open_to_it = policy is None or policy.channels.get(offer.trigger.channel, {}).get("withdrawable", True)
            if sent is not None and sent.out(now) and not sent.withdrawn and open_to_it:
                yield sent

    def goes_out(self, trigger: Trigger, place: Place, person: Person, policy: Policy | None) -> Iterator[Finding]:
        """One of the two triggers; whether its customer agrees to it."""
        self._offers.setdefault(trigger.group, []).append(Offer(trigger, place))
        moment = policy.moments.get(trigger.moment, {}) if policy is not None else {}
        channels, said = moment.get("shared_on", ()), person.consents["conversation"]
        if not channels:
            yield Finding("shared_agreed", f"{trigger.moment} is no moment of shared_on", f"group {trigger.group}")
        elif not any(said.agreed(channel, trigger.time) for channel in channels):
            says = f"no consent to conversation on {', '.join(channels)}"
            yield Finding("shared_agreed", says, f"group {trigger.group}")

    def hears(self, said: Withdrawal | Decision) -> None:
        """What becomes of a trigger."""
        if isinstance(said, Withdrawal) or said.what in LOST:
            self._lost.add(said.trigger)
        elif said.what in ARRIVED and said.trigger not in self._lost:
            self._arrived.add(said.trigger)

    def breaches(self, since: int, until: float) -> Iterator[Breach]:
        """Once all partitions have been read. since: what was said before is not judged; until: nor is what is lacking
        later. Log times, ms."""
        for group, offers in self._offers.items():
            first = offers[0].trigger
            if min(one.trigger.time for one in offers) < since:
                continue
            if self._proposed.get(group, (first.moment, first.action)) != (first.moment, first.action):
                yield _breach("shared_alike", offers[0], "what was proposed", f"{first.moment} {first.action}")
            for one in offers[1:]:
                differs = [name for name in _ALIKE if getattr(one.trigger, name) != getattr(first, name)]
                if differs or len(offers) > 2:
                    done = f"{', '.join(differs)} differ" if differs else f"{len(offers)} triggers"
                    yield _breach("shared_alike", one, f"two triggers of group {group}, alike", done)
            if max(one.trigger.time for one in offers) <= until:
                yield from self._alone(group, offers)

    def _alone(self, group: str, offers: list[Offer]) -> Iterator[Breach]:
        """One of both has it, and it was not said that the other one does not."""
        kept = [one for one in offers if one.trigger.id not in self._lost]
        if len(kept) != 1:
            return
        lost = [one for one in offers if one is not kept[0]]
        told = group in self._failed or any(one.trigger.id in self._arrived for one in lost)
        if not told:
            says = f"both of group {group}, or neither"
            yield _breach("shared_alone", kept[0], says, "the other one is not offered it, and nobody was told")


def _breach(rule: str, one: Offer, says: str, done: str) -> Breach:
    trigger = one.trigger
    told = (trigger.customer, trigger.action, trigger.policy, says, done)
    return Breach(rule, trigger.id, *told, one.place, trigger.time)
