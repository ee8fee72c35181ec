"""Exports the live view as an SVG: what a terminal of that width shows, as text."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from streams.errors import EngineError
from streams.monitoring.top.drawing import Frame
from streams.monitoring.top.view import View

WIDTH = 120

RED, GREEN, YELLOW, BLUE = (240, 113, 120), (126, 199, 118), (229, 192, 99), (97, 165, 240)
MAGENTA, CYAN, TEXT, GREY, DARK = (198, 134, 232), (86, 190, 202), (208, 212, 220), (132, 139, 152), (22, 24, 29)
THEME = TerminalTheme(
    DARK,
    TEXT,
    [DARK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, TEXT],
    [GREY, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, (255, 255, 255)],
)
"""Background, text, the eight colours and the eight bright ones; each is legible on the background (4.5 to 1)."""

FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<style>
.{unique_id}-matrix {{ font-family: Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace;
  font-size: 21px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""Rich's own format without its fonts from the network: a picture in a README may not load any. The letters are a
little larger than Rich's (20), so that frames and bars of one line touch those of the next."""


def svg(view: View, width: int = WIDTH) -> str:
    """The view in `width` columns, and as many rows as it takes."""
    console = Console(
        record=True, width=width, file=io.StringIO(), force_terminal=True, color_system="standard", legacy_windows=False
    )
    console.print(Frame(view), end="")
    picture = console.export_svg(title=view.title, theme=THEME, code_format=FORMAT, unique_id="retention")
    # Whatever font there is, a text is as wide as its cells: else bars have gaps, or run into each other.
    return picture.replace(" textLength=", ' lengthAdjust="spacingAndGlyphs" textLength=')


class PictureNotWritten(EngineError):
    """The file for the picture can't be written."""

    remedy = "name a file in a folder that exists and that you may write to"


def write_svg(view: View, file: Path, width: int = WIDTH) -> None:
    """Write the picture; a reader sees the old one or the new one, never half of one. Raises PictureNotWritten."""
    scratch: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        scratch = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as text:
            text.write(svg(view, width))
        scratch.chmod(0o644)  # mkstemp's own is for nobody else
        scratch.replace(file)
    except OSError as error:
        raise PictureNotWritten(f"--svg is {str(file)!r}: {error.strerror or error}") from error
    finally:
        if scratch is not None:
            scratch.unlink(missing_ok=True)
