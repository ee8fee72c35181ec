"""Charts as SVG: scales, axes and paths as pure functions of numbers. Colours are classes of the sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from markupsafe import Markup

Scale = Callable[[float], float]


def scale(low: float, high: float, start: float, end: float) -> Scale:
    """A linear scale from values to pixels; of an empty range everything lies in the middle."""
    span = high - low
    if not span:
        return lambda value: (start + end) / 2
    return lambda value: start + (value - low) * (end - start) / span


def path(points: Iterable[tuple[float, float]]) -> str:
    """A line through points, as the `d` of a path."""
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points)


def svg(width: int, height: int, title: str, parts: Iterable[Markup], css: str = "") -> Markup:
    """A picture with a title for who does not see it."""
    head = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}" class="{}"><title>{}</title>')
    return head.format(width, height, title, css, title) + Markup("").join(parts) + Markup("</svg>")


def text(x: float, y: float, words: str, anchor: str = "start", css: str = "") -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}" class="{}">{}</text>').format(x, y, anchor, css, words)


def line(x1: float, y1: float, x2: float, y2: float, css: str = "grid") -> Markup:
    return Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}"/>').format(x1, y1, x2, y2, css)


def drawn(points: Sequence[tuple[float, float]], css: str) -> Markup:
    """A line; nothing of fewer than two points."""
    return Markup('<path d="{}" class="{}"/>').format(path(points), css) if len(points) > 1 else Markup("")


def dot(x: float, y: float, css: str, title: str, radius: float = 5) -> Markup:
    shape = '<circle cx="{:.1f}" cy="{:.1f}" r="{}" class="{}"><title>{}</title></circle>'
    return Markup(shape).format(x, y, radius, css, title)


def area(points: Sequence[tuple[float, float, float]], css: str) -> Markup:
    """Between two lines: (x, y of one, y of the other) each."""
    around = [(x, one) for x, one, _ in points] + [(x, other) for x, _, other in reversed(points)]
    return Markup('<path d="{}Z" class="{}"/>').format(path(around), css) if len(points) > 1 else Markup("")


def rect(x: float, y: float, width: float, height: float, css: str) -> Markup:
    shape = '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="3" class="{}"/>'
    return Markup(shape).format(x, y, width, height, css)


def bar(share: float, css: str = "dot", title: str = "") -> Markup:
    """A bar of a table's row, 0 to 1 wide."""
    inner = Markup('<rect x="0" y="2" width="{:.1f}" height="10" rx="3" class="{}"/>').format(200 * share, css)
    return svg(200, 14, title or f"{share:.0%}", [inner], "bars")


def spark(values: Sequence[float], title: str) -> Markup:
    """A small line without axes."""
    if len(values) < 2:
        return Markup("")
    x, y = scale(0, len(values) - 1, 1, 219), scale(min(values), max(values), 33, 3)
    return svg(220, 36, title, [drawn([(x(n), y(value)) for n, value in enumerate(values)], "line")], "spark")


def as_table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """The same in words, below a picture."""
    head = Markup("").join(Markup("<th scope=col>{}</th>").format(one) for one in headers)
    body = Markup("").join(
        Markup("<tr>") + Markup("").join(Markup("<td>{}</td>").format(cell) for cell in row) + Markup("</tr>")
        for row in rows
    )
    return (
        Markup('<details><summary>As a table</summary><div class="scroll" tabindex="0"><table><thead><tr>')
        + head
        + Markup("</tr></thead><tbody>")
        + body
        + Markup("</tbody></table></div></details>")
    )


__all__ = [
    "Markup",
    "Scale",
    "area",
    "as_table",
    "bar",
    "dot",
    "drawn",
    "line",
    "path",
    "rect",
    "scale",
    "spark",
    "svg",
    "text",
]
