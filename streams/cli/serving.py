"""Serves pages until the process is asked to end."""

from __future__ import annotations

import asyncio
import signal

from streams.cli.options import echo


async def serve(app: object, host: str, port: int) -> None:
    """Until SIGTERM or Ctrl-C."""
    from aiohttp import web

    assert isinstance(app, web.Application)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        await web.TCPSite(runner, host, port).start()
        listening = runner.addresses[0]
        echo(f"http://{'[' + host + ']' if ':' in host else host}:{listening[1]}/")
        await stopped.wait()
    finally:
        await runner.cleanup()
