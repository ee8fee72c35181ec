"""What is worth waiting for, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiokafka.errors
import kafka.errors
import pytest

from streams.errors import EngineError
from streams.kafka_errors import BrokerRefused, BrokerUnreachable, KafkaUnavailable, kafka_call, kafka_named
from streams.retry import Unavailable, ignore, retry_while_unavailable
from streams.store.port import StoreUnavailable
from streams.store.rules import StoreFull, StoreRefused

PASSING = [
    aiokafka.errors.KafkaConnectionError("away"),
    aiokafka.errors.RequestTimedOutError(),
    aiokafka.errors.UnknownError(),
    kafka.errors.KafkaConnectionError("refused"),
    kafka.errors.NotControllerError(),
    ConnectionResetError("reset"),
    TimeoutError(),
]
LACKING = [
    aiokafka.errors.TopicAuthorizationFailedError("retention.examples"),
    aiokafka.errors.GroupAuthorizationFailedError("retention"),
    aiokafka.errors.TransactionalIdAuthorizationFailed("retention-3"),
    aiokafka.errors.SaslAuthenticationFailed("wrong password"),
    kafka.errors.ClusterAuthorizationFailedError("describe"),
    kafka.errors.SaslAuthenticationFailedError("wrong password"),
]


def failing(*errors: Exception) -> tuple[Callable[[], Awaitable[str]], list[Exception]]:
    """A call that raises these errors first, as a Kafka client does, and those that are still to come."""
    left = list(errors)

    async def call() -> str:
        with kafka_call("reading examples"):
            if left:
                raise left.pop(0)
        return "read"

    return call, left


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_a_client_that_gets_no_answer_is_waited_for(error: Exception) -> None:
    call, left = failing(error, error)
    outages: list[str] = []
    assert asyncio.run(retry_while_unavailable("learning", call, outages.append)) == "read"
    assert not left
    assert len(outages) == 2
    assert all(outage.startswith("learning: reading examples raised") for outage in outages)


@pytest.mark.parametrize("error", LACKING, ids=repr)
def test_credentials_and_rights_are_not_waited_for(error: Exception) -> None:
    call, left = failing(error, error)
    with pytest.raises(BrokerRefused, match=r"reading examples.*remedy: .*permissions"):
        asyncio.run(retry_while_unavailable("learning", call, ignore))
    assert len(left) == 1, "asked once"


def test_a_right_that_is_lacking_is_found_inside_what_the_client_made_of_it() -> None:
    with pytest.raises(BrokerRefused, match="retention-3"), kafka_call("sending"):
        raise aiokafka.errors.KafkaError("Unexpected error") from LACKING[2]


def test_what_is_not_the_clients_goes_through_as_it_is() -> None:
    with pytest.raises(KeyError), kafka_call("reading"):
        raise KeyError("count")


def test_an_outage_of_the_broker_is_a_named_error_with_a_remedy_and_worth_waiting_for() -> None:
    found = pytest.raises(BrokerUnreachable, match=r"127\.0\.0\.1:1 does not answer.*remedy")
    with found as raised, kafka_named("127.0.0.1:1", "connecting"):
        raise kafka.errors.KafkaConnectionError("refused")
    assert isinstance(raised.value, Unavailable)
    assert isinstance(raised.value, EngineError)


def test_a_full_store_is_waited_for_and_one_that_refuses_is_not() -> None:
    assert issubclass(StoreUnavailable, Unavailable)
    assert issubclass(StoreFull, Unavailable)
    assert issubclass(KafkaUnavailable, Unavailable)
    assert not issubclass(StoreRefused, Unavailable)
    assert not issubclass(BrokerRefused, Unavailable)
