"""A customer's own page over the real engine: what is said there is applied at once, in memory."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from models.customer.record import Record, unpack
from models.settings import DAY
from streams.client.links import LinkKeys
from streams.operations.access.places import TOPICS, told_places
from streams.operations.redis_access import RedisUnreachable
from streams.own_page.access import Access
from streams.own_page.app import own_page_app
from streams.own_page.asked import Parts
from streams.own_page.catalogue import catalogues
from streams.own_page.erasures import Erasures
from streams.own_page.publishing import NotTaken
from streams.own_page.reading import Reading
from streams.own_page.service import Service
from streams.store.port import StoreUnavailable
from tests.unit.models.engine.test_life_of_a_moment import BOUGHT, POLICY, Story
from tests.unit.streams.operations.test_may_contact import Shop

KEYS = LinkKeys.of(f"now:{'n' * 32} then:{'t' * 32}")
OTHERS = LinkKeys.of(f"now:{'o' * 32}")
BEFORE = LinkKeys.of(f"then:{'t' * 32}")
NOW = BOUGHT + 2 * DAY
POINTS = """
[points]
expires = "180d"
expires_at = "month"
[points.earn.purchases]
touchpoints = ["purchase"]
points = 1
per = 1.0
[points.earn.reviews]
touchpoints = ["review"]
points = 1200
pending = "14d"
"""
RICH = (
    POLICY.replace("[channel.email]", "[channel.email]\n[channel.push]\n[channel.letter]")
    .replace('content = "basket"', 'content = "basket"\ntopic = "carts"')
    .replace('content = "offer"', 'content = "offer"\ntopic = "offers"\nparameters = { reward = "free-delivery" }')
    + POINTS
)
"""A policy with channels, topics, a reward to choose from, and points."""


class Sent:
    """Keeps the codes that were to be sent."""

    def __init__(self) -> None:
        self.codes: list[tuple[str, str]] = []

    async def send_code(self, customer: str, code: str, language: str) -> None:
        self.codes.append((code, language))


class OwnPage:
    """A shop and its page. applies: the engine applies what is said at once. away: `redis` or `kafka` does not answer.
    published: every touchpoint that was confirmed, those of a repeated id too."""

    def __init__(self, story: Story | None = None, applies: bool = True) -> None:
        self.shop = Shop(story or Story(RICH, days=1), lost=not applies)
        self.away, self.now, self.codes = "", NOW, Sent()
        self.published: list[bytes] = []
        self.erasures = Erasures(self._store)
        places = told_places(dict.fromkeys(TOPICS, "30 days after it was written"), "400 days after it")
        reading = Reading(self._store, 1, lambda settings, language: places)
        self.service = Service(reading, self, self.erasures, KEYS, lambda: self.now)

    runs = True

    async def publish_all(self, touchpoints: Sequence[bytes]) -> int:
        if self.away == "kafka":
            raise NotTaken("it was not confirmed in time")
        offset = 0
        for value in touchpoints:
            self.published.append(value)
            offset = await self.shop.send(0, b"c", value, self.now)
        return offset

    @asynccontextmanager
    async def _store(self) -> AsyncIterator[Any]:
        if self.away == "redis":
            raise RedisUnreachable("Redis at x does not answer")
        try:
            yield self.shop.store
        except StoreUnavailable as error:
            raise RedisUnreachable("Redis at x does not answer") from error

    async def record(self, customer: str = "c") -> Record | None:
        """As the engine has it."""
        [stored] = await self.shop.store.load("0", [b"c:" + customer.encode()])
        return None if stored is None else unpack(customer.encode(), stored)

    def parts(self, **more: Any) -> Parts:
        access = Access(KEYS, "X-Customer", https=False)
        return Parts(self.service, access, KEYS, catalogues(), signs_in=True, sender=self.codes, **more)

    @asynccontextmanager
    async def client(self, **more: Any) -> AsyncIterator[TestClient[Any, Any]]:
        async with self.shop, TestClient(TestServer(own_page_app(self.parts(**more)))) as client:
            yield client

    def link(
        self, channel: str = "email", keys: LinkKeys = KEYS, customer: str = "c", until: int = NOW + 60 * DAY
    ) -> str:
        """The path of a link."""
        return f"/o/{keys.token(customer, until, channel)}"


def form_in(text: str) -> str:
    """What the forms of a page carry."""
    found = re.search(r'name="form" value="([^"]+)"', text)
    assert found is not None, text
    return found[1]


async def press(client: TestClient[Any, Any], path: str, what: str, **fields: Any) -> tuple[int, str]:
    """Load a page and send one of its forms: the status, and the page that answers. signed_in: as whom."""
    signed_in = fields.pop("signed_in", "")
    headers = {"X-Customer": signed_in} if signed_in else {}
    form = form_in(await (await client.get(path, headers=headers)).text())
    answer = await client.post(path, data={"form": form, "what": what, **fields}, headers=headers)
    return answer.status, await answer.text()
