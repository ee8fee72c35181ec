"""Bad records of every kind between good ones, through Kafka: the good are applied, the bad kept under their codes."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from models.outputs import DeadLetter
from models.settings import DAY, HOUR, MINUTE
from models.timeline.partitioning import partition_of
from models.touchpoints import Code
from tests.support.logs import START, bad_values, chosen, chosen_policy, chosen_settings, clock, touchpoint
from tests.support.servers import Broker
from tests.support.world import Raw
from tests.support.world_fixtures import MakeWorld
from tests.support.world_logs import lengths

GIVEN_BY_THE_ENGINE = {Code.ENGINE_ERROR, Code.UNFIT_STOP}
"""No record can be made on which this engine fails, and no shard is made to keep too many stops here: the unit tests do
both."""


def _log(partitions: int) -> tuple[list[list[Raw]], Counter[str], int]:
    """Good and bad in turn; the codes that must come of it, and how many good ones there are."""
    log: list[list[Raw]] = [[(None, clock(START), START)] for _ in range(partitions)]
    codes: Counter[str] = Counter()
    good, at = 0, START + HOUR

    def put(partition: int, key: bytes | None, value: bytes | None) -> None:
        nonlocal good, at
        log[partition].append((key, value, at))
        at += MINUTE
        for customer in ("anna", "bert", "carl"):
            home = partition_of(customer, partitions)
            event = touchpoint("purchase", customer, at, {"amount": 5}, id=f"{customer}-{at}")
            log[home].append((customer.encode(), event, at))
            good += 1

    for n in range(partitions):
        for code, value in bad_values("anna", at).items():
            put(n, b"anna", value)
            codes[code] += 1
        early = touchpoint("visit", "anna", at + 2 * HOUR)
        put(n, b"anna", early)
        codes[Code.IMPOSSIBLE_TIME] += 1
        stray = f"stray-{n}"
        put((partition_of(stray, partitions) + 1) % partitions, stray.encode(), touchpoint("visit", stray, at))
        put(partition_of(stray, partitions), None, touchpoint("visit", stray, at))
        codes[Code.WRONG_PARTITION] += 2
        put(n, None, chosen(at, "nobody"))
        codes[Code.UNKNOWN_MODEL] += 1
        put(n, None, chosen_settings(at, 1, enter=0.3, exit=0.9))
        codes[Code.UNFIT_SETTINGS] += 1
        put(n, None, chosen_policy(at, 1, "format = 1"))
        codes[Code.UNFIT_POLICY] += 1
    for partition in log:
        partition += [(None, clock(at + n * 7 * DAY), at + n * 7 * DAY) for n in (1, 2)]
    return log, codes, good


def test_every_bad_record_is_dead_lettered_once_and_harms_no_neighbour(
    broker: Broker, request: pytest.FixtureRequest, make_world: MakeWorld
) -> None:
    transactions = "kafka" in request.node.callspec.params["broker"]
    world = make_world(broker, batch_records=11)
    log, codes, good = _log(3)
    assert set(codes) == set(Code) - GIVEN_BY_THE_ENGINE
    world.produce(log)
    world.worker()
    world.wait(lambda: world.done(lengths(log)))
    world.end()
    world.check(committed=transactions)
    bodies = [body for body in world.bodies() if body is not None]
    assert sum(body.state.totals.applied for body in bodies) == good
    assert sum(body.state.totals.dead for body in bodies) == codes.total()
    letters = {
        (letter.partition, letter.offset): letter
        for partition in world.read("deadletters", committed=transactions)["deadletters"]
        for letter in (msgspec.json.decode(record.value, type=DeadLetter) for record in partition)
    }
    assert Counter(letter.code for letter in letters.values()) == codes
    assert all(letter.reason for letter in letters.values())
