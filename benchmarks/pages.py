"""What each page of the console weighs and takes: ``python -m benchmarks.pages``.

Like a browser's own report (Lighthouse): bytes of the page and of all that it loads, requests, the server's answer the
first time and later (the median of ten, once nothing is made beside the page any more), and where there is a Chromium
its first paint. On Apache Kafka and Redis with 200,000 customers, the example policy in force and a worker that runs.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from shutil import which
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple
from urllib.error import HTTPError
from urllib.request import urlopen

from benchmarks.month_run import policy
from benchmarks.servers import APP, Servers, Worker, environment, toml
from benchmarks.watch import Watch
from benchmarks.workload import DAY_BEGINS, Workload
from benchmarks.world import publish
from streams.console.rendering import PAGES
from streams.history.replay import TapeRecord
from streams.local.processes import LOOPBACK, ServerProcess, exchange, free_port
from tests.support.chromium import tab
from tests.support.logs import chosen_policy

AGAIN: Final = 10
LIMIT_MS: Final = 200.0
LOADED: Final = re.compile(r'(?:src|href)="(/static/[^"]+)"')


class Page(NamedTuple):
    """Of one page. bytes: with all that it loads. first_ms, later_ms: until its last byte. paint_ms: of a browser."""

    name: str
    bytes: int
    requests: int
    first_ms: float
    later_ms: float
    paint_ms: float | None

    def row(self) -> str:
        paint = "" if self.paint_ms is None else f"{self.paint_ms:,.0f} ms"
        return (
            f"| {self.name} | {self.bytes / 1000:,.1f} kB | {self.requests} | {self.first_ms:,.0f} ms "
            f"| {self.later_ms:,.0f} ms | {paint} |"
        )


def main() -> None:
    """Prints a table; exit code 1 where a page takes longer than 200 ms the second time."""
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--customers", type=int, default=200_000)
    workload = Workload(customers=told.parse_args().customers)
    with TemporaryDirectory(prefix="pages-") as place, Servers(Path(place)) as servers:
        pages = list(_measured(Path(place), servers, workload))
    print("| page | weighs | requests | first | later | first paint |\n|---|---|---|---|---|---|")
    print("\n".join(page.row() for page in pages))
    sys.exit(any(page.later_ms > LIMIT_MS for page in pages))


def _measured(place: Path, servers: Servers, workload: Workload) -> Iterator[Page]:
    config = servers.create_topics(workload.settings())
    chosen = [
        TapeRecord(partition, DAY_BEGINS + 1, None, chosen_policy(DAY_BEGINS + 1, 1, policy(workload.customers)))
        for partition in range(workload.partitions)
    ]
    ends = publish(config, chain(workload.history(), chosen, workload.silence(2)))
    settings = servers.settings(workload.settings())
    with Worker(place, settings) as worker:
        watch = Watch(servers.redis_url, APP, [ends.ends[n] for n in range(workload.partitions)])
        watch.start()
        watch.wait(600.0, lambda: worker.running)
        print(f"{watch.looks[-1].customers:,} customers", file=sys.stderr, flush=True)
        port = free_port()
        (place / "console.toml").write_text(toml({**settings, "index_dir": str(place / "index")}))
        command = ["-m", "streams.cli", "--config", str(place / "console.toml"), "console", "--port", str(port)]
        console = ServerProcess(
            "the console",
            [sys.executable, *command, "--worker", worker.metrics_url.removesuffix("/metrics")],
            log=place / "console.log",
            ready=lambda: exchange(port, b"GET /static/icon.svg HTTP/1.0\r\n\r\n", 12).endswith(b"200"),
            start_timeout_s=60.0,
            environment=environment(place),
        )
        console.start()
        try:
            one = workload.keys[workload.purchases[0][-1]].decode()
            yield from _looked_at(
                f"http://{LOOPBACK}:{port}", [*PAGES, f"customers?customer={one}", "stop", "system/dead"]
            )
        finally:
            console.stop()


def _looked_at(address: str, names: list[str]) -> Iterator[Page]:
    for name in names:
        text, first = _read(f"{address}/{name}")
        loaded = sorted(set(LOADED.findall(text.decode())))
        _whole(f"{address}/{name}")
        later = median(_read(f"{address}/{name}")[1] for _ in range(AGAIN))
        weight = len(text) + sum(len(_read(address + path)[0]) for path in loaded)
        paint = asyncio.run(_painted(f"{address}/{name}")) if which("chromium") else None
        yield Page(
            name.partition("?")[0] + ("/one" if "?" in name else ""), weight, 1 + len(loaded), first, later, paint
        )


def _whole(url: str, until_s: float = 300.0) -> None:
    """Wait until nothing that the page shows is still being made beside it."""
    began = time.perf_counter()
    while b"data-waits" in _read(url)[0] and time.perf_counter() - began < until_s:
        time.sleep(1.0)


def _read(url: str, until_s: float = 120.0) -> tuple[bytes, float]:
    """Bytes, and ms; a page that is still being read is asked for again, as it says."""
    began = time.perf_counter()
    while True:
        try:
            with urlopen(url, timeout=60) as answer:
                return answer.read(), 1000 * (time.perf_counter() - began)
        except HTTPError as error:
            said = error.read().decode()
            if "there is more" not in said or time.perf_counter() - began > until_s:
                raise RuntimeError(f"{url}: {error}: {said}") from error


async def _painted(url: str) -> float:
    """First contentful paint, ms after the navigation began."""
    async with tab("chromium") as page:
        await page.open(url)
        return float(await page.until("performance.getEntriesByName('first-contentful-paint')[0]?.startTime"))


if __name__ == "__main__":
    main()
