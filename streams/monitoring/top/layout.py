"""Which blocks fit a terminal of a given height, and how high each is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import RenderableType


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the view over its whole width. least, most: rows, frame included; build makes it with a number of rows.

    rank: who comes first where there is no room for all (0 first); what is left over goes to the last ones first.
    """

    rank: int
    least: int
    most: int
    build: Callable[[int], RenderableType]


def allot(blocks: Sequence[Block], height: int | None) -> list[int]:
    """Rows for each block, 0: it is left out. height None: there is room for all."""
    if height is None:
        return [block.most for block in blocks]
    rows = [0] * len(blocks)
    ranked = sorted(range(len(blocks)), key=lambda at: blocks[at].rank)
    left = height
    for at in ranked:
        if blocks[at].least <= left:
            rows[at] = blocks[at].least
            left -= rows[at]
    for at in reversed(ranked):
        if rows[at]:
            more = min(left, blocks[at].most - rows[at])
            rows[at] += more
            left -= more
    return rows
