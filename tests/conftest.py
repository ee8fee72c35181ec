"""Real servers for the tests. One that this machine cannot run is skipped by name, and listed at the end of the run;
with RETENTION_TEST_REQUIRE=all, as in .ci/run, it is a failure instead."""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from streams.local.embedded import EmbeddedBroker, EmbeddedRedis
from streams.local.processes import ProgramMissing
from tests.support.servers import ApacheKafka, Broker, kafka_jars

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts its background jobs with Ctrl-C ignored, and so would every process that a test starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says nothing here: machines are noisy, and compiled code compiles at its first call.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

ON_KAFKA = "tests on Apache Kafka"
REQUIRE_ALL = os.environ.get("RETENTION_TEST_REQUIRE") == "all"

Server = TypeVar("Server")


def started(what: str, start: Callable[[], Server]) -> Server:
    """The server, or a skip (a failure where everything is required) that names what does not run."""
    try:
        return start()
    except ProgramMissing as missing:
        reason = f"not run: {what}; {missing}"
    # Outside the handler, or pytest would print the missing program's traceback too.
    if REQUIRE_ALL:
        pytest.fail(f"RETENTION_TEST_REQUIRE=all, but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def kernels() -> None:
    """The compiled functions are in their cache. In a fresh clone the first worker would compile them, which takes
    longer than a test waits for a worker."""
    from streams.bootstrap.kernels import warm_up  # the whole engine, which a run without workers has no use for

    warm_up()


@pytest.fixture(scope="session")
def bare_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """`kafka`, where no kernels are loaded for a server that does not run here."""
    directory = tmp_path_factory.mktemp("kafka")
    server = started(ON_KAFKA, lambda: ApacheKafka(directory, kafka_jars()).start())
    yield server
    server.stop()


@pytest.fixture(scope="session")
def kafka(bare_kafka: ApacheKafka, kernels: None) -> ApacheKafka:
    """Apache Kafka, shared: use topics and groups of your own; stop or kill one only with `own_kafka`."""
    return bare_kafka


@pytest.fixture
def bare_own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """`own_kafka`, likewise."""
    directory = tmp_path_factory.mktemp("own_kafka")
    server = started(ON_KAFKA, lambda: ApacheKafka(directory, kafka_jars()).start())
    yield server
    server.stop()


@pytest.fixture
def own_kafka(bare_own_kafka: ApacheKafka, kernels: None) -> ApacheKafka:
    """An Apache Kafka of the test's own, to be killed and restarted."""
    return bare_own_kafka


@pytest.fixture(scope="session")
def tansu(tmp_path_factory: pytest.TempPathFactory, kernels: None) -> Iterator[EmbeddedBroker]:
    """The embedded broker, shared."""
    directory = tmp_path_factory.mktemp("tansu")
    server = started("tests on the embedded broker", EmbeddedBroker(directory).start)
    yield server
    server.stop()


@pytest.fixture(params=[pytest.param("kafka", marks=pytest.mark.kafka), "tansu"])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Each test runs on both brokers."""
    server: Broker = request.getfixturevalue(request.param)
    return server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """A Redis that keeps every acknowledged write, shared: use `redis_app` for keys of your own."""
    directory = tmp_path_factory.mktemp("redis")
    server = started("tests on Redis", EmbeddedRedis(directory, appendfsync="always").start)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_url(redis_server: EmbeddedRedis) -> str:
    """Address of the shared Redis."""
    return redis_server.url


@pytest.fixture
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """A Redis of the test's own, to be killed, restarted and set back."""
    directory = tmp_path_factory.mktemp("own_redis")
    server = started("tests on Redis", EmbeddedRedis(directory, appendfsync="always").start)
    yield server
    server.stop()


@pytest.fixture
def redis_app() -> str:
    """An application name that no other test uses, and so keys, topics and groups of its own."""
    return f"test-{uuid.uuid4().hex[:12]}"


ENDING_S = 60.0
"""A client's thread that has been told to end has so long for it."""


@pytest.fixture(autouse=True)
def kafka_clients_are_closed() -> Iterator[None]:
    """A client of kafka-python that is left open goes on in its thread, and connects again and again once its broker
    is gone, in whatever test runs then: Hypothesis sees the global `random` change in tests that use none."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + ENDING_S
    opened = [one for one in threading.enumerate() if one not in before and one.name.startswith("kafka-io")]
    for one in opened:
        one.join(max(0.0, deadline - time.monotonic()))
    left = [one.name for one in opened if one.is_alive()]
    if left:
        pytest.fail(f"{len(left)} clients of Kafka were opened and not closed: {left}", pytrace=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that uses Apache Kafka need not say so twice."""
    for item in items:
        if {"kafka", "own_kafka"} & set(getattr(item, "fixturenames", ())) and not _on_tansu(item):
            item.add_marker(pytest.mark.kafka)


def _on_tansu(item: pytest.Item) -> bool:
    call = getattr(item, "callspec", None)
    return call is not None and call.params.get("broker") == "tansu"


NOT_WHOLE = (
    "NOT THE WHOLE: {skipped} tests were not run, {on_kafka} of them on Apache Kafka (exactly once, crashes)",
    "to have them: Java 17, Maven (Debian, Ubuntu: apt install default-jre-headless maven, macOS: brew install maven)",
    "to have a run fail where something is missing: RETENTION_TEST_REQUIRE=all make test",
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What this run did not show, and why."""
    reasons: dict[str, int] = {}
    for report in terminalreporter.getreports("skipped"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        reasons[reason] = reasons.get(reason, 0) + 1
    if reasons:
        terminalreporter.section("not run")
        for reason, tests in sorted(reasons.items()):
            terminalreporter.write_line(f"{tests:4d} tests: {reason}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Say below pytest's own closing line that a run which left out Apache Kafka is no whole one."""
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:  # a process of xdist: the one that shares out the work speaks for all
        return
    skipped = reporter.getreports("skipped")
    if on_kafka := sum(f"not run: {ON_KAFKA}" in str(report.longrepr) for report in skipped):
        for line in NOT_WHOLE:
            reporter.write_line(line.format(skipped=len(skipped), on_kafka=on_kafka), yellow=True)
