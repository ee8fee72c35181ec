"""Ends the process with the exit code of a named error.

`app.crash` alone exits with 1; `sys.exit` inside a task hangs on Faust's non-daemon threads; an instant `os._exit`
does not leave the consumer group, so that the shards would stand still for a session timeout. So: remember the code,
stop gracefully, and let a timer cut the stop short.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from typing import NoReturn, Protocol

from streams.errors import EngineError, ExitCode

logger = logging.getLogger(__name__)

GRACE_S = 5.0
"""Longest graceful stop after a fatal error. Below the usual session timeout: no slower than a kill -9 would be."""


class Crashable(Protocol):
    """What is needed of the Faust app.

    Implemented by RetentionApp.
    """

    exit_code: int

    async def crash(self, reason: BaseException) -> None: ...


_crashes: set[asyncio.Task[None]] = set()  # the loop itself keeps only weak references to tasks


def end_process(app: Crashable, error: EngineError) -> None:
    """Stop the app and exit with the error's code; the first error wins. Call it in the main thread's loop."""
    if app.exit_code:
        return
    app.exit_code = int(error.code)
    logger.critical("ending with exit code %d (%s): %s", error.code, error.code.name.lower(), error)
    # Ends the process even when the graceful stop hangs in Kafka or in a thread.
    timer = threading.Timer(GRACE_S, exit_now, [error.code])
    timer.daemon = True
    timer.start()
    task = asyncio.ensure_future(app.crash(error))
    _crashes.add(task)
    task.add_done_callback(_crashes.discard)


def exit_now(code: int) -> NoReturn:
    """Exit without waiting for non-daemon threads, but not without what was logged."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # a closed pipe must not change the exit code
            continue
    os._exit(code)


def exit_code_of(app: Crashable, raised: BaseException | None) -> int:
    """What the process exits with after Faust's worker has returned or raised."""
    if app.exit_code:
        return app.exit_code
    if raised is None or isinstance(raised, KeyboardInterrupt):
        return int(ExitCode.OK)
    if isinstance(raised, SystemExit):
        if isinstance(raised.code, int):
            return raised.code
        return int(ExitCode.FAILURE if raised.code else ExitCode.OK)
    if isinstance(raised, EngineError):
        return int(raised.code)
    return int(ExitCode.FAILURE)
