"""What is said of a customer's place in the loyalty loop, as the decisions topic has it."""

from __future__ import annotations

import msgspec


class LoyaltyEntry(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Said where the stage is another than the one said before, and where a customer speaks of us.

    stage: at which they are now; former: that was said before, empty: none. index: of loyalty now, -100 to 100; None:
    nothing was weighed yet. praise: how often they spoke well of us so far; blame: how often they spoke ill. voice: how
    they speak of us with this touchpoint: ``good``, ``bad``, ``neutral``, ``unknown``; empty: they do not. way: its
    type. by_words: nobody upstream said how, the words of the text did. cause: id of the touchpoint; empty: a timer.
    """

    stage: str
    former: str = ""
    index: float | None = None
    praise: int = 0
    blame: int = 0
    voice: str = ""
    way: str = ""
    by_words: bool = False
    cause: str = ""

    @property
    def words(self) -> str:
        """As half a sentence."""
        parts = [f"stage {self.stage.replace('_', ' ')}"]
        if self.former and self.former != self.stage:
            parts[0] += f", was {self.former.replace('_', ' ')}"
        if self.index is not None:
            parts.append(f"loyalty index {self.index:+z.1f}")
        if self.voice:
            by = ", by their words" if self.by_words else ""
            parts.append(f"spoke of us ({self.way.replace('_', ' ')}): {self.voice}{by}")
        if self.praise:
            parts.append(f"spoke well {self.praise} time{'s' if self.praise != 1 else ''}")
        return "; ".join(parts)
