"""Long chaos: workers killed, stopped past their session, joined and left; Redis set back; and the outcome is exact.

Once as a replay, in lockstep with the learner, and once live: with clock records, versions that come late or never,
triggers that expire before they are sent, and a broker that is killed now and then.

RETENTION_CHAOS_SECONDS (default 25) sets for how long, at least until each kind of fault has come once; the seed is
printed and can be set by RETENTION_CHAOS_SEED.
"""

from __future__ import annotations

import os
import random
import signal
import time
from typing import NamedTuple

import msgspec
import pytest

from models.outputs import Trigger, Withdrawal
from models.timeline.partitioning import partition_of
from streams.errors import ExitCode
from tests.support.logs import DATA, chosen_policy, touchpoint
from tests.support.policies import BUDGETS, FEWER, IN_SECONDS, RUN_DRY, answered, answers_to, sorts
from tests.support.prepared import Process
from tests.support.servers import ApacheKafka
from tests.support.world import Raw, World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, stand_still
from tests.support.world_logs import lengths, split, tape_log
from tests.support.world_places import Copy, copy_place, put_back

SECONDS = float(os.environ.get("RETENTION_CHAOS_SECONDS", "25"))
SEED = int(os.environ.get("RETENTION_CHAOS_SEED") or time.time())
PLACES = ("0", "1", "2", "learner")
EXPECTED_ENDS = {
    ExitCode.OK,
    ExitCode.FENCED,
    ExitCode.STORE_WENT_BACK,
    -signal.SIGKILL,
    -signal.SIGTERM,  # asked to end before it had begun
}


class Kept(NamedTuple):
    """What Redis held of a place, and the commit that it stood at."""

    place: str
    copy: Copy
    number: int


class Chaos:
    """Two workers that are always started again, sometimes a third, and what is done to them and to Redis.

    The faults come in rounds, each with all of `STEPS` in an order of its own. A method of theirs says whether it could
    do it; what could not be done comes again.
    """

    STEPS = ("kill", "pause", "third", "remember", "remember", "back", "back")

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world, self._rng = world, rng
        self._stopped: dict[Process, float] = {}
        self._copies: list[Kept] = []
        self.done: list[str] = []
        self.ends: list[int] = []
        self._third: Process | None = None
        self._ahead: list[str] = []
        self._wanting = set(self.STEPS)

    def goes_on(self, until: float) -> bool:
        """Until this moment (monotonic), and until each kind of fault has come."""
        now = time.monotonic()
        assert now < until + 300, f"seed {SEED}: {self._wanting} could not be done, after {self.done}"
        return now < until or bool(self._wanting)

    def step(self) -> None:
        if not self._ahead:
            self._ahead = self._rng.sample(self.STEPS, len(self.STEPS))
        name = self._ahead.pop(0)
        if getattr(self, name)():
            self._wanting.discard(name)
        else:
            self._ahead.append(name)

    def kill(self) -> bool:
        self.done.append("kill -9")
        self._rng.choice(self._world.workers).kill()
        return True

    def pause(self) -> bool:
        running = [worker for worker in self._world.workers if worker not in self._stopped and worker.poll() is None]
        if len(running) > 1:  # another one takes the shards over
            self.done.append("SIGSTOP")
            worker = self._rng.choice(running)
            worker.send_signal(signal.SIGSTOP)
            self._stopped[worker] = time.monotonic() + self._rng.uniform(0.2, self._world.config.session_timeout_s + 3)
        return len(running) > 1

    def third(self) -> bool:
        if self._third is None or self._third.poll() is not None:
            self.done.append("a third joins")
            self._third = self._world.worker()
        elif self._third not in self._stopped:
            self.done.append("a third leaves")
            self._third.terminate()
        return True

    def remember(self) -> bool:
        """A copy that Redis may go back to."""
        place = self._rng.choice(PLACES)
        number = self._world.commits()[PLACES.index(place)]
        self._copies.append(Kept(place, copy_place(self._world.redis, self._world.config.app, place), number))
        return True

    def back(self) -> bool:
        """To a copy behind which there are commits by now."""
        now = self._world.commits()
        older = [kept for kept in self._copies if kept.copy and now[PLACES.index(kept.place)] > kept.number]
        if older:
            kept = older[-1]
            self._copies.remove(kept)
            self.done.append(f"{kept.place} goes back")
            put_back(self._world.redis, self._world.config.app, kept.place, kept.copy)
        return bool(older)

    def tend(self, keep: int = 2) -> None:
        """Continue what was stopped for long enough, start again what has ended."""
        for worker, moment in list(self._stopped.items()):
            if time.monotonic() > moment or worker.poll() is not None:
                del self._stopped[worker]
                worker.send_signal(signal.SIGCONT)
        for worker in list(self._world.workers):
            if (code := worker.poll()) is not None:
                self.ends.append(code)
                assert code in EXPECTED_ENDS, f"a worker ended with {code} after {self.done}\n{self._world.output()}"
                self._world.workers.remove(worker)
        while len(self._world.workers) < keep:
            self._world.worker()


class LiveChaos(Chaos):
    """The same, and the broker too. The learner goes wherever its owner goes, so versions are late."""

    STEPS = (*Chaos.STEPS, "broker")

    def __init__(self, world: World, rng: random.Random, kafka: ApacheKafka) -> None:
        super().__init__(world, rng)
        self._kafka = kafka

    def broker(self) -> bool:
        self.done.append("the broker is killed")
        self._kafka.kill()
        time.sleep(self._rng.uniform(0, 3))
        self._kafka.restart()
        return True

    def calm(self) -> None:
        """Everybody runs on."""
        while self._stopped:
            self.tend()
            time.sleep(0.1)


@pytest.mark.slow
def test_the_outcome_is_that_of_the_engine_in_memory_whatever_happens(
    kafka: ApacheKafka, make_world: MakeWorld
) -> None:
    print(f"RETENTION_CHAOS_SEED={SEED}, {SECONDS:g} s")
    rng = random.Random(SEED)
    world = make_world(kafka, batch_records=rng.choice([3, 20, 100]), piece_items=rng.choice([5, 1000]))
    rest = log = answered(
        tape_log(seed=SEED % 1_000, customers=200, policies={20: BUDGETS, 80: FEWER}), world.config.engine(), SEED
    )
    chaos = Chaos(world, rng)
    began = time.monotonic()
    next_step = began + 2
    shares = [0.15, 0.15, 0.2, 0.2, 0.3, 0.4, 0.5]
    while chaos.goes_on(began + SECONDS):
        if shares and time.monotonic() > began + SECONDS * (1 - len(shares) / 8):
            part, rest = split(rest, shares.pop(0))
            world.produce(part)
        chaos.tend()
        time.sleep(0.1)
        if time.monotonic() > next_step:
            chaos.step()
            next_step = time.monotonic() + rng.uniform(0.3, 3)
    world.produce(rest)
    print(chaos.done)
    deadline = time.monotonic() + 300
    while not world.done(lengths(log)):
        chaos.tend()
        assert time.monotonic() < deadline, (
            f"seed {SEED}: not done: offsets {world.next_offsets()} of {lengths(log)}, outboxes {world.outboxes()} "
            f"after {chaos.done}, {chaos.ends}\n{world.output()}"
        )
        time.sleep(0.1)
    chaos.tend()
    world.end()
    print(chaos.ends)
    assert sorts(world.check()) >= RUN_DRY
    audited = world.command("audit")
    assert audited.returncode == 0, audited.stdout + audited.stderr


def _shopping(world: World, rng: random.Random, number: int) -> None:
    """What a few customers do at this moment."""
    log: list[list[Raw]] = [[] for _ in range(world.config.partitions)]
    now = int(time.time() * 1000)
    for at in range(rng.randint(1, 5)):
        customer = f"c-{rng.randrange(150):03d}"
        kind = rng.choice(["purchase", "purchase", "purchase", "visit", "complaint", "message_opened"])
        value = touchpoint(kind, customer, now, DATA[kind](rng), id=f"{number}-{at}")
        log[partition_of(customer, world.config.partitions)].append((customer.encode(), value, now))
    world.produce(log)


def _apply(world: World, number: int, text: str) -> None:
    """A policy, into every partition."""
    now = int(time.time() * 1000)
    world.produce([[(None, chosen_policy(now, number, text), now)] for _ in range(world.config.partitions)])


def _answer(world: World, rng: random.Random, known: set[str]) -> None:
    """What becomes of the policy's triggers that are new, public or about to be."""
    log: list[list[Raw]] = [[] for _ in range(world.config.partitions)]
    for partition in world.read("triggers", committed=False)["triggers"]:
        for record in partition:
            said = msgspec.json.decode(record.value, type=Trigger | Withdrawal)
            if isinstance(said, Trigger) and said.policy and said.id not in known:
                known.add(said.id)
                log[record.partition] += answers_to(said.id, said.customer, rng, int(time.time() * 1000))
    world.produce(log)


@pytest.mark.slow
def test_live_the_outcome_is_that_of_the_engine_in_memory_over_the_log_that_came_about(
    own_kafka: ApacheKafka, make_world: MakeWorld
) -> None:
    print(f"RETENTION_CHAOS_SEED={SEED}, {SECONDS:g} s")
    rng = random.Random(SEED)
    own = {
        "batch_records": rng.choice([3, 20, 100]),
        "piece_items": rng.choice([1, 5, 1000]),
        "version_delay_s": rng.choice([0, 2, 5]),
        "trigger_life_s": rng.choice([2, 3600]),
    }
    world = make_world(own_kafka, **LIVE | own)
    chaos = LiveChaos(world, rng, own_kafka)
    first = world.worker()
    world.wait(lambda: world.owned(first) > 0)
    began = time.monotonic()
    next_step, number = began, 0
    policies, answered_to = list(enumerate(IN_SECONDS, 1)), set[str]()
    while chaos.goes_on(began + SECONDS) or policies or len(answered_to) < 3:
        chaos.tend()
        _shopping(world, rng, number := number + 1)
        if policies and time.monotonic() > began + SECONDS * policies[0][0] / 4:
            _apply(world, *policies.pop(0))
        if number % 10 == 0:
            _answer(world, rng, answered_to)
        time.sleep(0.2)
        if time.monotonic() > next_step:
            chaos.step()
            next_step = time.monotonic() + rng.uniform(0.3, 3)
    chaos.calm()
    print(own, chaos.done, chaos.ends)
    stand_still(world)
    expected = world.check(learner_went_back="learner goes back" in chaos.done)
    assert sorts(expected) >= {"policy_in_force", "decided", "trigger", "delivered"}
    audited = world.command("audit")
    assert audited.returncode == 0, audited.stdout + audited.stderr
    assert sum(world.next_offsets()) > number
    print(f"{len(world.expired_unsent())} triggers expired unsent")
