"""Why shards stood still, by a Prometheus of our own that looks at a worker's /metrics now and then."""

from __future__ import annotations

import re
import threading
import urllib.request
from collections import Counter
from typing import Self

EVERY_S = 2.0
"""A scrape costs the worker 10 ms of CPU: oftener, and the measuring would show in what is measured."""
_PAUSED = re.compile(rb'^retention_paused\{.*reason="(\w+)".*\} 1\.0$', re.MULTILINE)


class Paused(threading.Thread):
    """Counts at how many looks how many shards stood still, by reason, inside a `with`."""

    def __init__(self, url: str, partitions: int) -> None:
        super().__init__(name="paused", daemon=True)
        self._url, self._partitions = url, partitions
        self._over = threading.Event()
        self._looks = 0
        self._found: Counter[str] = Counter()

    def run(self) -> None:
        while not self._over.wait(EVERY_S):
            try:
                with urllib.request.urlopen(self._url, timeout=2.0) as answer:
                    text = answer.read()
            except OSError:  # not up yet, or already down: no look
                continue
            self._looks += 1
            self._found.update(reason.decode() for reason in _PAUSED.findall(text))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def shares(self) -> dict[str, float]:
        """Share of the shards' time by reason; reasons that never showed are left out."""
        return {reason: count / (self._looks * self._partitions) for reason, count in sorted(self._found.items())}
