"""A worker that publishes without transactions although the broker has them: `python -m benchmarks.plain_worker FILE`.

Only to say what transactions cost in latency. Its outputs are public as soon as they are written, and so at least once
instead of exactly once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from streams.bootstrap.preflight import preflight
from streams.bootstrap.worker import build
from streams.config import load
from streams.consumer.app import run_worker


def main() -> None:
    os.environ["RETENTION_CONFIG"] = sys.argv[1]
    config = load()
    logging.basicConfig(level=config.log_level)
    environment = asyncio.run(preflight(config))
    run_worker(build(config, environment._replace(transactional=False)))


if __name__ == "__main__":
    main()
