"""What a customer said of marketing, profiling and conversations: the newest yes and no of each channel.

By docs/people.md, not by the engine's register: nothing is thrown away here, and every question is answered from all
that was said.
"""

from __future__ import annotations

from typing import NamedTuple


class Yes(NamedTuple):
    """A consent. expires: ms, 0: never."""

    time: int
    expires: int
    confirmed: bool


ALL = ""
"""In place of a channel: all of them."""


class Consents:
    """What was said of one purpose."""

    __slots__ = ("no", "yes")

    def __init__(self) -> None:
        self.yes: dict[str, Yes] = {}
        self.no: dict[str, int] = {}

    def granted(self, channels: tuple[str, ...], said: Yes) -> None:
        """A yes, to channels or in general."""
        for channel in channels or (ALL,):
            if channel not in self.yes or self.yes[channel].time <= said.time:
                self.yes[channel] = said

    def refused(self, channels: tuple[str, ...], time: int) -> None:
        """A no, to channels or in general."""
        for channel in channels or (ALL,):
            self.no[channel] = max(self.no.get(channel, 0), time)

    def _last_no(self, channel: str) -> int:
        return max(self.no.get(channel, 0), self.no.get(ALL, 0))

    def closed(self, channel: str) -> bool:
        """Whether the channel is refused: a no, and no newer yes that names the channel."""
        named = self.yes.get(channel) if channel else None
        return self._last_no(channel) > 0 and not (named is not None and named.time > self._last_no(channel))

    def open(self, channel: str, now: int, confirmed: bool = False) -> bool:
        """Whether a consent is in force for the channel."""
        if self.closed(channel):
            return False
        for said in (self.yes.get(channel), self.yes.get(ALL)):
            if said is not None and (not said.expires or now < said.expires) and (said.confirmed or not confirmed):
                return True
        return False

    def agreed(self, channel: str, now: int) -> bool:
        """The same of `conversation`, where a newer yes in general lifts a no in general."""
        general, named = self.no.get(ALL, 0), self.no.get(channel, 0)
        own, said = self.yes.get(channel), self.yes.get(ALL)
        lifted = said is not None and said.time > general
        counting = [own] if own is not None and own.time > (named if lifted else max(general, named)) else []
        counting += [said] if said is not None and lifted and general >= named else []
        return any(not one.expires or now < one.expires for one in counting)

    def denied(self) -> bool:
        """Of a purpose that knows no channels: whether the newest word is a no."""
        return self.no.get(ALL, 0) > 0 and self.no[ALL] >= max((said.time for said in self.yes.values()), default=0)

    def left(self) -> None:
        """Of what was said the refusals are kept."""
        self.yes, self.no = {}, {channel: at for channel, at in self.no.items() if self.closed(channel)}

    def after_erasure(self) -> None:
        """Whoever refused anywhere has refused everywhere; all else is forgotten."""
        kept = {channel: at for channel, at in self.no.items() if self.closed(channel)}
        self.yes, self.no = {}, ({ALL: max(kept.values())} if kept else {})
