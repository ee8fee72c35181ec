"""Looking at workers over real HTTP, and at what is none."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from models.outputs import Position, Reason, Trigger, encode
from models.timeline.shard_state import Totals
from streams.config import Config, ConfigError
from streams.errors import ExitCode
from streams.local.processes import LOOPBACK, free_port
from streams.monitoring.health import Progress
from streams.monitoring.http import WebServer
from streams.monitoring.metrics import Metrics
from streams.monitoring.top import workers as looking
from streams.monitoring.top.panels import shards, triggers
from streams.monitoring.top.triggers import row
from streams.monitoring.top.watch import Watch
from streams.monitoring.top.workers import Report, Workers, worker_urls
from tests.support.top_views import DEMO


@contextmanager
def a_worker(metrics: Metrics, progress: Progress) -> Iterator[str]:
    """The worker's own web server, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = WebServer(metrics, progress)
    try:
        port = asyncio.run_coroutine_threadsafe(server.start(LOOPBACK, 0), loop).result(10)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def look(*urls: str) -> list[Report]:
    with Workers(urls) as workers:
        return workers.look()


def test_a_worker_that_is_well_is_ready_and_healthy() -> None:
    metrics, progress = Metrics(), Progress(60.0)
    metrics.committed(1, Totals(), Totals(applied=3), 3, 0.1, 0.01)
    progress.taken_over([1])
    with a_worker(metrics, progress) as url:
        (report,) = look(url)
    assert (report.ready, report.healthy, report.why, report.trouble) == (True, True, (), "")
    assert report.numbers is not None
    assert report.numbers.events == 3
    assert report.states == {1: ("idle", "")}


def test_what_is_not_well_is_told_in_words() -> None:
    now = 1_000.0
    progress = Progress(60.0, lambda: now)
    progress.taken_over([4])
    progress.waiting(4, "store: \x1b[31mRedis does not answer")
    progress.learner_trouble = "its state is refused"
    now += 75.0
    with a_worker(Metrics(), progress) as url:
        (stalled,) = look(url)
        progress.revoked()
        (rebalancing,) = look(url)
    assert (stalled.ready, stalled.healthy) == (True, False)
    assert stalled.why == (
        "shard 4 stands still for 75 s: store: \\x1b[31mRedis does not answer",
        "the learner stands still: its state is refused",
    )
    assert rebalancing.ready is False
    assert rebalancing.why[-1].startswith("not ready: no assignment taken over yet")


def test_a_parked_shard_is_named_with_its_error_though_it_was_never_taken_over() -> None:
    progress, metrics = Progress(60.0, lambda: 1_000.0), Metrics()
    progress.taken_over([0])
    progress.parked(3, "state_unreadable", "StateUnreadable: damaged | remedy: restore")
    metrics.parked(3, ExitCode.STATE_UNREADABLE)
    metrics.parked("learner", ExitCode.FAILURE)
    metrics.paused("learner", "kafka")
    with a_worker(metrics, progress) as url:
        reports = look(url)
    assert reports[0].why == ("shard 3 is parked for 0 s: StateUnreadable: damaged | remedy: restore",)
    view = Watch("retention").look(reports, [], 1.0, 1_000)
    (seen,) = (shard for shard in view.shards if shard.shard == 3)
    assert (seen.state, seen.why) == ("parked", "StateUnreadable: damaged | remedy: restore")
    assert "parked: StateUnreadable" in "\n".join(line.plain for line in shards(view, 60, 10))


def test_a_worker_that_is_gone_is_a_finding_and_the_others_are_seen() -> None:
    progress = Progress(60.0)
    progress.taken_over([])
    with a_worker(Metrics(), progress) as url:
        gone, there = look(f"http://{LOOPBACK}:{free_port()}", url)
    assert (gone.numbers, gone.trouble) == (None, "nothing listens there (connection refused)")
    assert there.ready is True


def test_a_worker_that_hangs_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "TIMEOUT_S", 0.3)
    with socket.create_server((LOOPBACK, 0)) as silent:
        (report,) = look(f"http://{LOOPBACK}:{silent.getsockname()[1]}")
    assert report.trouble == "no answer within 0.3 s"


@contextmanager
def a_server(answer: Callable[[str], tuple[int, bytes]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "answer",
    [
        lambda path: (404, b"not found"),
        lambda path: (200, b"<html>a page</html>"),
        lambda path: (200, b"{}"),
        lambda path: (200, b"[]" if path != "/metrics" else b""),
        lambda path: (200, b"{}" if path != "/metrics" else b"up 1\n"),
        lambda path: (200, b'{"ready": true, "shards": [], "healthy": true}' if path != "/metrics" else b"\xff\xfe{{"),
    ],
)
def test_something_else_that_answers_there_is_no_worker(answer: Callable[[str], tuple[int, bytes]]) -> None:
    with a_server(answer) as url:
        (report,) = look(url)
    assert report.numbers is None
    assert report.trouble.startswith("no worker of a retention engine answers here")


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("127.0.0.1:9100", "http://127.0.0.1:9100"),
        ("http://w1:9100/metrics", "http://w1:9100"),
        ("https://metrics.example/w1/", "https://metrics.example/w1"),
        ("[::1]:9100", "http://[::1]:9100"),
    ],
)
def test_a_worker_is_named_by_address_or_url(given: str, url: str) -> None:
    assert worker_urls([given, given], Config()) == [url]


@pytest.mark.parametrize("given", ["w1", "w1:http", "ftp://w1:21", ":9100", ""])
def test_a_name_that_is_no_address_is_refused_with_an_example(given: str) -> None:
    with pytest.raises(ConfigError, match="HOST:PORT"):
        worker_urls([given], Config())


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:9100"), ("0.0.0.0", "http://127.0.0.1:9100"), ("::", "http://[::1]:9100")],
)
def test_without_a_name_the_configured_worker_is_looked_at(host: str, url: str) -> None:
    assert worker_urls([], Config(metrics_host=host, metrics_port=9100)) == [url]


def test_a_configuration_without_a_port_is_refused_with_the_remedy() -> None:
    with pytest.raises(ConfigError, match="--worker HOST:PORT, or set RETENTION_METRICS_PORT"):
        worker_urls([], Config(metrics_port=0))


def test_a_trigger_is_drawn_without_what_could_steer_a_terminal() -> None:
    trigger = Trigger(
        id="x",
        customer="anna\x1b[2J\n",
        action="win_back",
        channel="email",
        probability=0.9,
        drivers=[Reason("recency", 1.0, "silent\x07 26 days")],
        episode=1,
        step=1,
        time=2,
        expires_at=3,
        model_version=4,
        at=Position(0, 1, False),
    )
    view = replace(DEMO, latest=(row(encode(trigger)),))
    drawn = "\n".join(line.plain for line in triggers(view, 120, 3))
    assert r"anna\x1b[2J\n" in drawn
    assert r"silent\x07 26 days" in drawn


def test_a_record_that_is_no_trigger_is_shown_as_what_it_is() -> None:
    shown = row(b'{"type":"future"}')
    assert (shown.action, shown.probability) == ("not a trigger of this release", None)
