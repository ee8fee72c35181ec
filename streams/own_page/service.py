"""What becomes of what a customer says on their page: published, shown, logged; erasures wait their day."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from models.touchpoints import InvalidTouchpoint, Touch, event, read
from streams.client.links import LinkKeys
from streams.errors import EngineError, StateUnreadable
from streams.own_page.erasures import Erasure, Erasures
from streams.own_page.publishing import Publisher
from streams.own_page.reading import Known, Source
from streams.own_page.turns import Turns
from streams.own_page.wishes import (
    SOURCE,
    Form,
    NotPossible,
    Options,
    Wish,
    change,
    erasure,
    event_id,
    off,
    silence_as_before,
    silence_for_erasure,
    unsubscribed,
)

NO_FORM: Final[Form] = {}
ASKED_ONCE: Final = ("access_requested", "decision_contested", "erase_requested")
"""Nothing takes them back, so that a form asks for them once, however late it is sent again."""
LOOK_S: Final = 30.0
"""How often it is looked for erasures whose time has come."""
WITHOUT_RECORD: Final = ("all", "channel", "purpose")
"""What can be switched off while nothing can be read."""

logger = logging.getLogger(__name__)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Service:
    """keys: those of the links; customers are logged under a hash with them. clock: ms."""

    def __init__(
        self,
        source: Source,
        publisher: Publisher,
        erasures: Erasures,
        keys: LinkKeys,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self.source, self.erasures, self.clock = source, erasures, clock
        self._publisher, self._keys = publisher, keys
        self._options: Options = Options()
        self._turns = Turns()

    def pseudonym(self, customer: str) -> str:
        """What the log calls a customer: the same as long as the first key is."""
        secret = self._keys.secrets[0][1]
        return hmac.new(secret, b"log " + customer.encode(), sha256).hexdigest()[:12]

    async def known(self, customer: str) -> Known:
        """Raises EngineError where Redis does not answer."""
        known = await self.source.known(customer)
        self._options = known.options if known.policy is not None else self._options
        return known

    async def options(self, customer: str) -> Options:
        """What there is to switch off; as last seen while nothing can be read."""
        try:
            return (await self.known(customer)).options
        except EngineError as error:
            logger.warning("what may be switched off is told as last seen: %s", error)
            return self._options

    async def switch_off(self, customer: str, what: str, form: Form, once: str, via: str, channel: str = "") -> Wish:
        """What the link alone allows. channel: of the link. Raises NotPossible, EngineError."""
        try:
            known = await self.known(customer)
        except EngineError:
            if what not in WITHOUT_RECORD:
                raise
            known = Known()
        options = known.options if known.policy is not None else self._options
        if channel and channel not in options.channels:
            options = options._replace(channels=(*options.channels, channel))
        wish = off(what, known.tail, options, form, self.clock())
        if what == "channel" and wish.fields["channel"] == channel:
            wish = unsubscribed(channel)
        return await self._said(customer, wish, once, via, form)

    async def one_click(self, customer: str, channel: str) -> Wish:
        """RFC 8058: the channel of the link, or all. Reads nothing, so that it works whatever is away but Kafka."""
        return await self._said(customer, unsubscribed(channel), "one-click", "one click", {"channel": [channel]})

    async def change(self, customer: str, what: str, form: Form, once: str, via: str) -> Wish:
        """What whoever is signed in asks for. Raises NotPossible, EngineError."""
        if what in ("forget", "keep"):
            return await (self._forget if what == "forget" else self._keep)(customer, once, via)
        known = await self.known(customer)
        wish = change(what, known.tail, known.options, form, self.clock())
        return await self._said(customer, wish, once, via, form)

    async def _forget(self, customer: str, once: str, via: str) -> Wish:
        known = await self.known(customer)
        self._touchpoint(customer, erasure(), "", NO_FORM)  # what can't be published must not wait to be
        waits = await self.erasures.ask(customer, self.clock(), known.tail.silent_until)
        self._log(customer, "forget", via)
        wish = silence_for_erasure(known.tail, waits.due)
        await self._said(customer, wish, f"forget {waits.asked}", via)
        return wish._replace(message="forget_waits", fields={"time": waits.due})

    async def _keep(self, customer: str, once: str, via: str) -> Wish:
        back = await self.erasures.take_back(customer)
        if back is None:
            raise NotPossible("too_late")
        self._log(customer, "keep", via)
        wish = silence_as_before(back.silent_before, self.clock())
        await self._said(customer, wish, f"keep {back.asked}", via)
        return wish._replace(message="kept", fields={})

    async def erase_due(self) -> int:
        """Publish the erasures whose time has come: how many. Raises EngineError."""
        done = 0
        for customer in await self.erasures.due(self.clock()):
            try:
                done += await self._erase(customer)
            except StateUnreadable as error:  # the others do not wait for it
                logger.error("customer %s is not forgotten: %s", self.pseudonym(customer), error)
                await self.erasures.postpone(customer, self.clock())
        return done

    async def _erase(self, customer: str) -> bool:
        claimed = await self.erasures.claim(customer, self.clock())
        if claimed is None:
            return False
        try:
            await self._said(customer, erasure(), f"erase {claimed.asked}", "its time has come")
        except NotPossible:
            logger.error("customer %s: no touchpoint takes this id, nor has one", self.pseudonym(customer))
        await self.erasures.done(customer)
        return True

    async def erase_for_ever(self) -> None:
        """Look again and again, whatever is away meanwhile."""
        while True:
            try:
                await self.erase_due()
            except EngineError as error:
                logger.warning("erasures that are due wait: %s", error)
            await asyncio.sleep(LOOK_S)

    @property
    def runs(self) -> bool:
        """Whether what customers say can be published, as far as it is ours."""
        return self._publisher.runs

    async def waiting(self, customer: str) -> Erasure | None:
        return await self.erasures.of(customer)

    async def _said(self, customer: str, wish: Wish, once: str, via: str, form: Form = NO_FORM) -> Wish:
        at = self.clock()
        if wish.kind not in ASKED_ONCE:
            once = f"{once} {self._turns.turn(customer, event_id(customer, wish.kind, once, form), at)}"
        value = self._touchpoint(customer, wish, once, form)
        offset = await self._publisher.publish_all([value])
        touch = read(value, None, at)
        if isinstance(touch, Touch):
            self.source.said(touch, offset)
        self._log(customer, wish.message, via)
        return wish

    def _touchpoint(self, customer: str, wish: Wish, once: str, form: Form) -> bytes:
        """Raises NotPossible."""
        try:
            return event(
                wish.kind,
                id=event_id(customer, wish.kind, once, form),
                source=SOURCE,
                subject=customer,
                time_ms=self.clock(),
                data=wish.data,
            )
        except InvalidTouchpoint as error:
            logger.warning("what %s said is none that can be published: %s", self.pseudonym(customer), error)
            raise NotPossible("unknown_wish") from error

    def _log(self, customer: str, what: str, via: str) -> None:
        logger.info("customer %s: %s, %s", self.pseudonym(customer), what, via)
