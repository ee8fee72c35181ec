"""Lays the view out for a terminal of a given size. Pure: a `View` in, a renderable out."""

from __future__ import annotations

from collections.abc import Callable

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streams.monitoring.top import panels
from streams.monitoring.top.glyphs import cropped
from streams.monitoring.top.layout import Block, allot
from streams.monitoring.top.panels import BAD, FRAME, GOOD, WARN, panel
from streams.monitoring.top.view import View
from streams.text import count

TWO_COLUMNS = 72
"""From here on two panels stand beside each other."""

SHARDS, TRIGGERS, TROUBLES = 16, 10, 8
"""Lines where nothing limits the height: of a picture, or of what is left on the screen at the end."""

LEAST_SHARDS = 4


class Frame:
    """The view at whatever size the terminal has when it is drawn."""

    def __init__(self, view: View) -> None:
        self.view = view

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield draw(self.view, options.max_width, options.height, options.ascii_only)


def draw(view: View, width: int, height: int | None = None, ascii_only: bool = False) -> RenderableType:
    """The view in `width` columns and at most `height` rows (None: as many as it takes)."""
    blocks = _blocks(view, width, height, ascii_only)
    rows = allot(blocks, None if height is None else height - 1)
    return Group(header(view, width), *(block.build(n) for block, n in zip(blocks, rows, strict=True) if n))


def header(view: View, width: int) -> Text:
    """One line: what this is, the log time, and how the workers are; the last of these has its room first."""
    health, style = _health(view)
    reached = "starting" if view.time is None else f"{panels.when(view.time, view.at)}{_behind(view)}"
    room = width - len(health) - 3
    for left in (f"{view.title}  log time {reached}", f"{view.title}  {reached}", reached):
        if cell_len(left) <= room:
            break
    left = cropped(left, room)
    title = view.title if left.startswith(view.title) else ""
    gap = " " * max(1, room - cell_len(left) + 1)
    line = Text.assemble(" ", (title, "bold"), left.removeprefix(title), gap, (health, style), no_wrap=True)
    line.truncate(width)
    return line


def _behind(view: View) -> str:
    """How long ago that is, where the log's time is the wall clock's."""
    if view.mode != "live" or view.time is None:
        return ""
    return f" ({max(0, view.at - view.time) / 1000:,.0f} s ago)"


def _health(view: View) -> tuple[str, str]:
    number, well = len(view.workers), sum(worker.well for worker in view.workers)
    plural = "worker" if number == 1 else "workers"
    if well < number:
        return f"{well} of {number} {plural} well", BAD
    if view.unowned:
        return f"{number} {plural}, {len(view.shards)} of {view.partitions} shards", WARN
    return f"{number} {plural} well", GOOD


def _blocks(view: View, width: int, height: int | None, ascii_only: bool) -> list[Block]:
    """In the order in which they stand."""
    inner = width - 2 * FRAME
    left = width // 2 if width >= TWO_COLUMNS else width
    right = width - left or width
    flow = panels.flow(view, left - 2 * FRAME, ascii_only)
    customers = panels.customers(view, right - 2 * FRAME, ascii_only)
    model = panels.model(view, left - 2 * FRAME, ascii_only)
    workers = panels.workers(view, inner)
    decisions = panels.decisions(view, inner, ascii_only)
    shown = TRIGGERS if height is None else height
    triggers = panels.triggers(view, inner, shown)
    shards = 1 + min(len(view.shards), SHARDS if height is None else max(LEAST_SHARDS, height // 4))

    def flow_panel(rows: int) -> Panel:
        return panel("Flow", flow, left, rows)

    def customers_panel(rows: int) -> Panel:
        return panel(f"Customers {count(view.customers)}", customers, right, rows)

    def model_panel(rows: int) -> Panel:
        return panel(panels.model_title(view), model, left, rows)

    def shards_panel(rows: int) -> Panel:
        lines = panels.shards(view, right - 2 * FRAME, rows - FRAME)
        return panel(panels.shards_title(view), lines, right, rows)

    def workers_panel(rows: int) -> Panel:
        return panel("Workers", workers, width, rows)

    def decisions_panel(rows: int) -> Panel:
        return panel("Decisions", decisions, width, rows)

    def triggers_panel(rows: int) -> Panel:
        return panel(f"Latest triggers, {count(view.triggers)} decided", triggers, width, rows)

    def of(rank: int, least: int, most: int, build: Callable[[int], RenderableType]) -> Block:
        return Block(rank, least + FRAME, max(least, most) + FRAME, build)

    last = [
        of(1, min(len(workers), TROUBLES), min(len(workers), TROUBLES), workers_panel),
        of(3, 2, len(triggers), triggers_panel),
    ]
    if decisions:
        last.append(of(6, 1, len(decisions), decisions_panel))
    if width < TWO_COLUMNS:
        return [
            of(0, len(flow), len(flow), flow_panel),
            of(2, len(customers), len(customers), customers_panel),
            of(4, len(model), len(model), model_panel),
            of(5, 2, shards, shards_panel),
            *last,
        ]
    upper, lower = max(len(flow), len(customers)), max(len(model), min(shards, 1 + LEAST_SHARDS))
    return [
        of(0, upper, upper, lambda rows: _beside(flow_panel(rows), customers_panel(rows))),
        of(4, lower, max(lower, shards), lambda rows: _beside(model_panel(rows), shards_panel(rows))),
        *last,
    ]


def _beside(left: RenderableType, right: RenderableType) -> Table:
    both = Table.grid(padding=0)
    both.add_row(left, right)
    return both
