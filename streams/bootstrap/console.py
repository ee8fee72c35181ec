"""The console that a worker starts: `retention console` in a process of its own, which takes nothing with it.

What it reads and what becomes of it is its own: it ends with its worker, however that ends; where it ends before, the
worker says so and starts another one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from streams.config import Config, as_environment
from streams.local.processes import spawn
from streams.monitoring.top.workers import worker_urls

logger = logging.getLogger(__name__)

LOOK_S: Final = 0.5
AGAIN_S: Final = 30.0
"""Until another one is started: of two workers on one machine the second has it so soon after the first has ended."""
NICER: Final = 5
"""The engine goes before it."""
PROGRAM: Final = (sys.executable, "-m", "streams.cli", "console")


class ConsoleBeside:
    """One console at a time.

    Args:
        config: of the worker, the console's too.
        port: on which the worker's metrics are; 0 as long as they are not.
    """

    def __init__(self, config: Config, port: Callable[[], int]) -> None:
        self._config, self._port = config, port

    async def run(self) -> None:
        """Until cancelled; raises nothing else."""
        while True:
            try:
                while not self._port():  # noqa: ASYNC110 - told by nobody
                    await asyncio.sleep(LOOK_S)
                code = await self._one()
                logger.warning("the console ended with exit code %d; the next one starts in %g s", code, AGAIN_S)
            except Exception as error:  # whatever it is: the engine goes on without a console
                logger.warning("the console could not be started; tried again in %g s", AGAIN_S, exc_info=error)
            await asyncio.sleep(AGAIN_S)

    async def _one(self) -> int:
        """From its start to its end; the exit code."""
        process = await asyncio.to_thread(self._started)
        try:
            while (code := process.poll()) is None:  # noqa: ASYNC110 - of a process
                await asyncio.sleep(LOOK_S)
            return code
        finally:
            if process.poll() is None:
                process.terminate()

    def _started(self) -> subprocess.Popen[bytes]:
        own = self._config.model_copy(update={"metrics_port": self._port()})
        others = [one.strip() for one in self._config.console_workers.split(",") if one.strip()]
        workers = [f"--worker={one}" for one in (*worker_urls([], own), *others)]
        process = spawn((*PROGRAM, *workers), None, {**os.environ, **as_environment(self._config)})
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICER)
        return process
