"""A real browser without a window, driven by the DevTools protocol."""

from __future__ import annotations

import asyncio
import tempfile
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

import aiohttp

START_S: Final = 180.0
WAIT_S: Final = 120.0
FLAGS: Final = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "about:blank")


class Tab:
    """One page. complaints: what its console and the security policy said."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._ids = socket, count(1)
        self.complaints: list[str] = []

    async def call(self, method: str, **given: Any) -> dict[str, Any]:
        """A command's answer; what the page says meanwhile is kept."""
        number = next(self._ids)
        await self._socket.send_json({"id": number, "method": method, "params": given})
        while True:
            told = await self._socket.receive_json(timeout=WAIT_S)
            if told.get("id") == number:
                if "error" in told:
                    raise AssertionError(f"{method}: {told['error']}")
                result: dict[str, Any] = told["result"]
                return result
            if told.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown"):
                self.complaints.append(str(told["params"]))

    async def open(self, url: str, width: int = 1280, height: int = 900) -> None:
        """Go there, in a window of this size."""
        for domain in ("Page", "Log", "Runtime"):
            await self.call(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self.call("Emulation.setDeviceMetricsOverride", **size)
        await self.call("Page.navigate", url=url)

    async def value(self, expression: str) -> Any:
        """Of an expression, in the page; of a promise, once it is kept."""
        found = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return found["result"].get("value")

    async def until(self, expression: str) -> Any:
        """Its value, once it is true."""
        for _ in range(round(WAIT_S / 0.1)):
            if found := await self.value(expression):
                return found
            await asyncio.sleep(0.1)
        raise AssertionError(f"never true: {expression}")


@asynccontextmanager
async def tab(program: str) -> AsyncIterator[Tab]:
    """A browser of its own, which ends with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = (program, f"--user-data-dir={folder}", *FLAGS)
        running = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL)
        try:
            port = await _port(Path(folder) / "DevToolsActivePort")
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    [target] = [one for one in await answer.json() if one["type"] == "page"]
                async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    yield Tab(socket)
        finally:
            running.terminate()
            await running.wait()


async def _port(file: Path) -> int:
    for _ in range(round(START_S / 0.1)):
        if text := await asyncio.to_thread(lambda: file.read_text().split() if file.exists() else []):
            return int(text[0])
        await asyncio.sleep(0.1)
    raise AssertionError("the browser did not start")
