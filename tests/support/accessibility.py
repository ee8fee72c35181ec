"""What axe-core finds wrong with a page, in each of the ways in which it is seen."""

from __future__ import annotations

import asyncio
import json
from itertools import product
from pathlib import Path
from typing import Any, Final

from tests.support.chromium import Tab

AXE: Final = Path(__file__).parent / "axe" / "axe.min.js"
SCHEMES: Final = ("light", "dark")
WIDTHS: Final = (1280, 400)
SETTLED: Final = "document.readyState == 'complete' && !!document.querySelector('h1')"
UNFOLDED: Final = "document.querySelectorAll('details').forEach((one) => one.open = true)"
RUN: Final = """axe.run(document, {resultTypes: ['violations']}).then((found) => JSON.stringify(found.violations
  .filter((one) => one.impact == 'serious' || one.impact == 'critical')
  .flatMap((one) => one.nodes.map((node) => `${one.impact}: ${one.id}: ${node.html.slice(0, 120)}`))))"""


async def violations(page: Tab) -> list[str]:
    """The serious and critical ones of what a tab shows, wide and narrow, light and dark, with everything unfolded."""
    await page.until(SETTLED)
    await page.value(UNFOLDED)
    await page.value(await asyncio.to_thread(AXE.read_text))  # by the debugger: no policy of the page's holds it off
    found: list[str] = []
    for width, scheme in product(WIDTHS, SCHEMES):
        await page.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        await page.call("Emulation.setEmulatedMedia", features=_media(scheme))
        assert await page.value(f"matchMedia('(prefers-color-scheme: {scheme})').matches && innerWidth == {width}")
        told: list[str] = json.loads(await page.value(RUN))
        found += [f"{width} {scheme} {one}" for one in told]
    return found


def _media(scheme: str) -> list[dict[str, Any]]:
    """Without motion: half of a fading colour is nobody's choice."""
    return [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
