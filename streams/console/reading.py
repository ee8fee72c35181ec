"""Reads what the pages show: Redis, the topics by their indices, the workers' metrics."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from streams.config import Config
from streams.console.background import PATIENCE_S, Background, Made
from streams.console.dead_letters import dead_letters
from streams.console.open_topics import OpenTopics
from streams.console.sources import DeadLetters, PolicyPage, Stopped, StopsSource, Story, ValueSource
from streams.console.story_reading import StoryReader
from streams.errors import EngineError
from streams.monitoring.top.follow import Looking
from streams.monitoring.top.view import View
from streams.operations.lift import Terms, lift_of
from streams.operations.model_story import model_story_of
from streams.operations.partitions import touchpoint_partitions
from streams.operations.policy import in_force
from streams.operations.policy.changing import ledger_told
from streams.operations.policy.sight import sight_of
from streams.operations.pyramid import LivePyramid, NoValues, live_pyramid
from streams.operations.recent_decisions import recent_decisions
from streams.operations.redis_access import store_of
from streams.operations.stops import Where, policies_now, stops_now
from streams.operations.why.indices import index_topics
from streams.operations.worth import worths_of
from streams.store.stop_flag import read_flag
from streams.text import printable

T = TypeVar("T")
TOPICS: Final = ("touchpoints", "decisions", "triggers")
"""That name customers."""
READERS: Final = 2
ANSWER_S: Final = 20.0
"""A page waits so long for what is read; the reading goes on, and the index that it makes stays."""
STORY_S: Final = 1.0
"""A customer's page waits so long for the topics, where the index lacks much of them."""
FRESH_RECORDS_S: Final = 300.0
FRESH_INDEX_S: Final = 60.0
"""What has come since is read by the page that needs it."""
INDEX_PAUSE: Final = 2.0
"""Short: only the first time takes long, and what came meanwhile is still to be read."""
FRESH_TIERS_S: Final = 10.0
FRESH_LIFT_S: Final = 3600.0
FLAG_S: Final = 2.0
"""What is stopped is known to a page so late at most, and waited for so long."""
FRESH_S: Final = 1.0
"""A look at the workers serves whoever asks within so long."""
STOPS_S: Final = 5.0
"""The page of stops waits so long, and then has its form alone."""
USUAL: Final = Terms()


class StillReading(EngineError):
    """What a page shows has to be read from the beginning of the topics."""

    remedy = "wait a little and load the page again: what was read is kept in an index (`index_dir`)"


class Reading:
    """A context manager. urls: of the workers. terms: of what was saved."""

    def __init__(self, config: Config, urls: list[str], terms: Terms = USUAL) -> None:
        self._config, self._looking, self._stack = config, Looking(config, urls), ExitStack()
        self._looker = ThreadPoolExecutor(1, "console-look")
        self._reader = ThreadPoolExecutor(READERS, "console-read")
        self._stops_reader = ThreadPoolExecutor(READERS, "console-stops")
        self._brief = ThreadPoolExecutor(READERS, "console-brief")
        self._stories: dict[str, asyncio.Future[Story | None]] = {}
        self._view: tuple[float, View] | None = None
        self._lock = asyncio.Lock()
        self._topics = OpenTopics(config, *TOPICS)
        self._flag = -FLAG_S, Stopped()
        self._stories_of = StoryReader(config, self._topics)
        self._tiers, self._counted = ValueSource(None), 0.0
        self._counting: asyncio.Future[None] | None = None
        self._background, self._terms = Background(), terms

    def __enter__(self) -> Self:
        self._looker.submit(self._stack.enter_context, self._looking).result()
        self._reader.submit(self._policy)  # opens and loads what the first page would wait for
        self._index()
        return self

    def _index(self) -> None:
        """The index of all customers goes on beside the pages, as long as somebody looks at one."""
        if self._config.index_dir:
            job = partial(index_topics, self._config, *TOPICS)
            self._background.begun("index", job, FRESH_INDEX_S, INDEX_PAUSE)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._background.close()
        self._topics.close()
        self._looker.submit(self._stack.close).result()
        self._looker.shutdown()
        self._reader.shutdown(wait=False, cancel_futures=True)
        self._stops_reader.shutdown(wait=False, cancel_futures=True)
        self._brief.shutdown(wait=False, cancel_futures=True)

    async def now(self) -> View:
        """One look for all who ask at about the same time."""
        self._index()
        async with self._lock:
            if self._view is None or time.monotonic() - self._view[0] > FRESH_S:
                view = await asyncio.get_running_loop().run_in_executor(self._looker, self._looking.look)
                self._view = time.monotonic(), view
            return self._view[1]

    async def story(self, customer: str) -> Story | None:
        """Two browsers that ask for one customer at a time are answered by one reading. Where it has to read much, they
        are told what is known without it; it goes on, and the page is loaded again."""
        self._index()
        loop = asyncio.get_running_loop()
        running = self._stories.get(customer)
        if running is None:
            running = loop.run_in_executor(self._reader, self._story, customer)
            self._stories[customer] = running
            running.add_done_callback(partial(self._ended, customer))
        await asyncio.wait([running], timeout=STORY_S)
        if not running.done():
            brief = await loop.run_in_executor(self._brief, self._stories_of.brief, customer)
            if brief is not None:
                return brief
        return await _in_time(running)

    def _ended(self, customer: str, story: asyncio.Future[Story | None]) -> None:
        self._stories.pop(customer, None)
        if not story.cancelled():
            story.exception()  # whoever still waits is told; where nobody does it is no news

    async def policy(self) -> PolicyPage:
        reading = asyncio.get_running_loop().run_in_executor(self._reader, self._policy)
        model, found = await asyncio.gather(self.model(), _in_time(reading))
        return replace(found, model=model)

    async def tiers(self) -> ValueSource:
        """As the shards counted them last; counted anew beside the pages."""
        if self._counting is None or (self._counting.done() and time.monotonic() - self._counted > FRESH_TIERS_S):
            self._counted = time.monotonic()
            self._counting = asyncio.get_running_loop().run_in_executor(None, self._count)
        await asyncio.wait([self._counting], timeout=PATIENCE_S)
        return self._tiers

    def _count(self) -> None:
        try:
            self._tiers = self._pyramid()
        except EngineError as error:
            self._tiers = ValueSource(None, printable(str(error)))

    async def levels(self) -> Made:
        return await self._background.made("worths", partial(worths_now, self._config), FRESH_RECORDS_S)

    async def value(self) -> ValueSource:
        """The shards' counts at once; the records in the background."""
        held = await self.levels()
        found = await _in_time(asyncio.get_running_loop().run_in_executor(self._reader, self._pyramid))
        return replace(found, held=held)

    async def stopped(self) -> Stopped:
        """The flag, which publishers obey; looked at once in a while for all pages."""
        if time.monotonic() - self._flag[0] > FLAG_S:
            try:
                async with asyncio.timeout(FLAG_S), store_of(self._config) as store:
                    found = Stopped(tuple(one.words for one in (await read_flag(store)).standing))
            except (EngineError, TimeoutError):
                found = Stopped((), "Redis does not say whether something is stopped")
            self._flag = time.monotonic(), found
        return self._flag[1]

    async def stops(self) -> StopsSource:
        """By threads of its own: no story is read before it."""
        reading = asyncio.get_running_loop().run_in_executor(self._stops_reader, self._stops)
        try:
            return await asyncio.wait_for(asyncio.shield(reading), STOPS_S)
        except TimeoutError:
            return StopsSource(trouble=f"What is stopped could not be read within {STOPS_S:g} s.")

    async def dead_letters(self) -> DeadLetters:
        return await _in_time(asyncio.get_running_loop().run_in_executor(self._reader, dead_letters, self._config))

    async def model(self) -> Made:
        """The learner's states are megabytes: in the background."""
        return await self._background.made("model", partial(model_now, self._config), FRESH_RECORDS_S)

    async def decisions(self) -> Made:
        """Tens of thousands of records: in the background."""
        return await self._background.made("decisions", partial(recent_decisions, self._config), FRESH_RECORDS_S)

    async def proof(self) -> Made:
        """Reads the whole log: in the background."""
        return await self._background.made("lift", partial(lift_of, self._config, self._terms), FRESH_LIFT_S)

    # -- in a thread of their own, since Kafka is read without an event loop

    def _story(self, customer: str) -> Story | None:
        return self._stories_of.story(customer, self._background.is_first("index"))

    def _stops(self) -> StopsSource:
        async def looking() -> StopsSource:
            found, names, trouble = list[Where](), set[str](), list[str]()
            async with store_of(self._config) as store:
                partitions = touchpoint_partitions(self._config)
                found, _ = await stops_now(store, partitions)
                try:
                    policies = [one.policy for one in (await policies_now(store, partitions)).values() if one.policy]
                    names = {name for one in policies for name in one.policy.action}
                except EngineError as error:
                    trouble.append(f"The policies can't be read, hence no action is named here: {error}")
            return StopsSource(tuple(found), tuple(sorted(names)), " ".join(map(printable, trouble)))

        try:
            return asyncio.run(looking())
        except EngineError as error:
            return StopsSource(trouble=printable(f"What is stopped can't be read: {error}"))

    def _pyramid(self) -> ValueSource:
        async def looking() -> LivePyramid:
            async with store_of(self._config) as store:
                return await live_pyramid(store, self._config.app)

        try:
            return ValueSource(asyncio.run(looking()).as_data())
        except NoValues as error:
            return ValueSource(None, str(error))

    def _policy(self) -> PolicyPage:
        with self._topics.indices() as topics:
            sight = sight_of(self._config, topics.of["touchpoints"].topic)
        shards, ledger = sight.view.shards, ledger_told(sight)
        last = in_force(shards)
        waits = [(now.waiting.name, now.at) for now in shards.values() if now.waiting is not None]
        having: dict[str, list[int]] = {}
        for shard, now in shards.items():
            having.setdefault("no policy" if now.policy is None else now.policy.name, []).append(shard)
        told = tuple((name, tuple(which)) for name, which in having.items())
        history, proposals = tuple(ledger["history"]), tuple(ledger["proposals"])
        waiting = max(waits, default=("", 0))
        if last is None:
            return PolicyPage("", "", told, waiting, history, proposals)
        levels = tuple((one.name, one.at) for one in last.levels(None))
        return PolicyPage(last.name, last.text, told, waiting, history, proposals, levels)


def model_now(config: Config) -> dict[str, Any]:
    """In a process of its own."""
    return asyncio.run(model_story_of(config))


def worths_now(config: Config) -> dict[str, Any]:
    """In a process of its own."""
    return asyncio.run(worths_of(config))


async def _in_time(reading: asyncio.Future[T]) -> T:
    try:
        return await asyncio.wait_for(asyncio.shield(reading), ANSWER_S)
    except TimeoutError as error:
        raise StillReading(f"the topics have been read for {ANSWER_S:g} s, and there is more") from error
