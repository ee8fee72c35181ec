"""Serves pages until the process is asked to end."""

from __future__ import annotations

import asyncio
import signal

from streams.cli.options import echo
from streams.errors import EngineError


class NotListening(EngineError):
    """The pages' address can't be listened on."""

    remedy = "free the port, or give another one with --port"


async def serve(app: object, host: str, port: int) -> None:
    """Until SIGTERM or Ctrl-C. Raises NotListening."""
    from aiohttp import web

    assert isinstance(app, web.Application)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise NotListening(f"{host}, port {port}: {error.strerror or error}") from error
        listening = runner.addresses[0]
        echo(f"http://{'[' + host + ']' if ':' in host else host}:{listening[1]}/")
        await stopped.wait()
    finally:
        await runner.cleanup()
