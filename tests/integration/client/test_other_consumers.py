"""Programs of other languages act on triggers: each once, none of an aborted transaction; and say what became of it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from kafka import KafkaProducer

from models.outputs import StopOrder, encode
from models.timeline.partitioning import partition_of
from models.touchpoints import Rejected, read
from tests.integration.client.conftest import NOON, PARTITIONS, ClientTopics, a_trigger, a_withdrawal
from tests.integration.client.test_sender import a_worker
from tests.support.programs import built
from tests.support.servers import ApacheKafka

pytestmark = [pytest.mark.slow, pytest.mark.network]


def in_transactions(topics: ClientTopics, aborted: Sequence[bytes], committed: Sequence[bytes]) -> None:
    """As the engine writes them."""
    producer: Any = KafkaProducer(bootstrap_servers=topics.servers, transactional_id=topics.app)
    producer.init_transactions()
    for values, end in ((aborted, producer.abort_transaction), (committed, producer.commit_transaction)):
        producer.begin_transaction()
        for value in values:
            producer.send(topics.triggers, value=value, partition=0)
        producer.flush()
        end()
    producer.close()


def test_each_language_whose_tools_are_here_acts_on_triggers_and_the_others_are_named(
    kafka: ApacheKafka, redis_app: str, capsys: pytest.CaptureFixture[str]
) -> None:
    topics = ClientTopics(kafka.bootstrap_servers, redis_app).create()
    commands, missing = built("consume")
    with capsys.disabled():
        print("".join(f"\nnot run: a consumer in {one}" for one in missing))
    if not commands:
        pytest.skip(f"not run: consumers in other languages; {', '.join(missing)}")
    unknown = msgspec.json.encode({"type": "of a later release", "id": "x"})
    more = json.loads(encode(a_trigger(1))) | {"a field of a later release": 1}
    out = [json.dumps(more).encode(), encode(a_trigger(2, expires_at=NOON)), encode(a_trigger(1)), unknown]
    out += [encode(a_withdrawal(1)), encode(StopOrder("s", 7, NOON)), encode(a_trigger(3))]
    out += [encode(a_trigger(4)), encode(msgspec.structs.replace(a_trigger(5), time=time.time_ns() // 1_000_000))]
    in_transactions(topics, [encode(a_trigger(9))], out)

    def act(language: str, group: str, worker: dict[str, str], expected: list[dict[str, str]]) -> None:
        arguments = [topics.servers, topics.triggers, topics.touchpoints, "3", f"{topics.app}-{group}"]
        acted: list[dict[str, str]] = []
        for _ in range(20):  # on a busy machine it may be over before the group is joined
            begun = time.monotonic()
            done = subprocess.run(
                [*commands[language], *arguments],
                capture_output=True, text=True, check=False, timeout=240, env={**os.environ, **worker},
            )  # fmt: skip
            assert done.returncode == 0, (language, done)
            assert time.monotonic() - begun >= 3
            acted += [json.loads(line) for line in done.stdout.splitlines()]
            if len(acted) >= len(expected):
                break
        assert acted == expected, (language, done)

    def sent(number: int) -> dict[str, str]:
        return {"send": "win_back", "to": f"c{number}", "by": "email"}

    withdrawn = {"withdrawn": f"{1:032x}", "why": "complaint"}
    with a_worker({f"{4:032x}"}) as worker:
        for language in commands:
            asks = {"RETENTION_WORKER": worker}
            act(language, language, asks, [sent(1), withdrawn, sent(3), sent(5)])
            act(language, language, asks, [])  # all was committed
    for language in commands:  # nobody can say of what is old: only what is fresh is sent
        act(language, f"{language}-alone", {}, [withdrawn, sent(5)])
    told: Counter[tuple[str, str, int]] = Counter()
    for record in topics.read(topics.touchpoints):
        assert not isinstance(read(record.value, record.key, record.timestamp), Rejected)
        event = json.loads(record.value)
        assert record.key == event["subject"].encode()
        assert record.partition == partition_of(event["subject"], PARTITIONS)
        told[event["source"].rpartition("/")[2], event["type"], int(event["data"]["trigger_id"], 16)] += 1
    asked = [("offer_sent", 1), ("offer_expired", 2), ("offer_sent", 3), ("offer_withdrawn", 4), ("offer_sent", 5)]
    alone = [("offer_expired", 2), ("offer_sent", 5), *(("offer_withdrawn", one) for one in (1, 3, 4))]
    assert told == Counter((language, *one) for language in commands for one in (*asked, *alone))
