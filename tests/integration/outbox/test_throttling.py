"""A client that Kafka throttles: its transactions shrink to what gets through, and nothing is said twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from kafka.protocol.admin.client_quotas import AlterClientQuotasRequest

from streams.kafka.admin import TopicAdmin
from streams.kafka.security import KafkaConnection
from streams.kafka.tails import TailReader
from streams.kafka.topic_reader import TopicReader
from streams.kafka.topics import OUTPUTS, TopicSpec
from streams.outbox.entry import Entry
from streams.outbox.fake import stored
from streams.outbox.kafka_publisher import KafkaPublisher, PublisherSettings
from streams.outbox.relay import Outgoing, Sent
from tests.conftest import started
from tests.support.servers import ApacheKafka, kafka_jars

BYTES_PER_S = 20_000  # Kafka lets ten seconds' worth through at once
TIMEOUT_S = 2.0
ENTRIES = 500
LIMIT_S = 300.0


@pytest.fixture
def throttling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """Looks for overdue transactions ten times a second, and lets every client write so many bytes a second."""
    often = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "100"}
    directory = tmp_path_factory.mktemp("throttling")
    server = started("tests on Apache Kafka", lambda: ApacheKafka(directory, kafka_jars(), often).start())
    yield server
    server.stop()


def limit(kafka: ApacheKafka, bytes_per_s: float) -> None:
    """As `kafka-configs.sh --entity-type clients --entity-default --add-config producer_byte_rate=` does."""
    data: Any = AlterClientQuotasRequest.EntryData
    entity = data.EntityData(entity_type="client-id", entity_name=None)
    rate = data.OpData(key="producer_byte_rate", value=bytes_per_s, remove=False)
    request = AlterClientQuotasRequest(entries=[data(entity=[entity], ops=[rate])], validate_only=False)
    with TopicAdmin(KafkaConnection(kafka.bootstrap_servers)) as admin:
        manager = admin._client._manager
        answer = manager.run(manager.send, request)
    assert [entry.error_code for entry in answer.entries] == [0]


@pytest.mark.kafka
@pytest.mark.slow
def test_a_backlog_gets_through_a_quota_in_transactions_that_shrink(throttling: ApacheKafka, redis_app: str) -> None:
    topics = {role: f"{redis_app}.{role}" for role in OUTPUTS}
    with TopicAdmin(KafkaConnection(throttling.bootstrap_servers)) as admin:
        admin.create([TopicSpec(role, name, 1, 1, {}) for role, name in topics.items()])
    limit(throttling, BYTES_PER_S)
    entries = [Entry("triggers", 0, n, f"id-{n}", b"anna", b"x" * 1_000, 1_000) for n in range(1, ENTRIES + 1)]
    sizes: list[int] = []
    outages: list[str] = []

    async def publish() -> None:
        all_public = asyncio.Event()

        def on_published(sent: Sent) -> None:
            sizes.append(len(sent.entries))
            if not sent.left:
                all_public.set()

        tails = TailReader(KafkaConnection(throttling.bootstrap_servers))
        timeout_ms = int(1000 * TIMEOUT_S)
        settings = PublisherSettings(
            KafkaConnection(throttling.bootstrap_servers), topics, transaction_timeout_ms=timeout_ms
        )
        publisher = KafkaPublisher(settings, 0, tails, redis_app)
        outgoing = Outgoing(publisher, 0, False, on_published, outages.append, transaction_s=TIMEOUT_S)
        try:
            await outgoing.start(stored([]), {})
            outgoing.add(entries)
            running = asyncio.create_task(outgoing.run())
            async with asyncio.timeout(LIMIT_S):
                await all_public.wait()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        finally:
            await outgoing.stop()
            await tails.close()

    asyncio.run(publish())
    throttled = next((told for told in outages if "Kafka is throttling this client" in told), "")
    assert "the next transactions hold" in throttled, outages
    assert not any("newer owner" in told for told in outages)
    assert max(sizes) < ENTRIES
    with TopicReader(KafkaConnection(throttling.bootstrap_servers), topics["triggers"]) as reader:
        deadline = time.monotonic() + 60
        while len(found := reader.last(0)) < ENTRIES and time.monotonic() < deadline:
            time.sleep(0.1)  # the marker of the last transaction comes after the answer to its commit
        assert [int(read.headers["count"]) for read in found] == list(range(1, ENTRIES + 1))
