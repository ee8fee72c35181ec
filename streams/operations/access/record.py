"""A customer's record, field by field, in words that they can be given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from models.customer.bands import Band
from models.customer.consent import EVERY, unpack_register
from models.customer.contract import unpack_contract
from models.customer.interests import unpack_interests
from models.customer.layout import VERSION
from models.customer.merged import is_merged
from models.customer.record import Record
from models.customer.restrictions import ACTION_PURPOSES, unpack_restrictions
from models.customer.tail import NOT_STATED, pack_tail
from models.decisions.best_hour import counts_of
from models.decisions.choosing.arms import arm_name
from models.decisions.draw import ONE
from models.decisions.policy.parts import KINDS
from models.decisions.sharing import Where
from models.decisions.standing import OTHERS, Stage
from models.decisions.standing_stored import unpack_standing
from models.decisions.waits import CODES_OF
from models.decisions.words import kind_told
from models.loyalty.account import NEVER_EXPIRES
from models.loyalty.loop import STAGES as LOOP
from models.loyalty.loop import unpack_loop
from models.loyalty.membership_stored import unpack_membership
from models.loyalty.stored import unpack_account
from models.settings import DAY, SECOND
from models.timeline.order import NEVER, time_of
from streams.operations.access import fields, loyalty_fields, standing_fields
from streams.operations.access.fields import Field
from streams.operations.access.phrases import RESTRICTIONS
from streams.operations.access.phrases import STAGES as LOOP_STAGES
from streams.operations.why.for_customer import Words

Shown = str | list[dict[str, str]] | dict[str, str] | None

OF_ANOTHER_ID: Final = -1
"""In place of a band."""
BANDS: Final = {
    Band.PROSPECT: ("no purchase yet", "noch kein Kauf"),
    Band.SAFE: ("you stay", "Sie bleiben"),
    Band.WATCH: ("you may stay", "Sie bleiben vielleicht"),
    Band.AT_RISK: ("you may turn away", "Sie könnten sich abwenden"),
    Band.LAPSED: ("long silent: nothing is estimated", "lange still: nichts wird geschätzt"),
    Band.ERASED: ("you asked to be forgotten", "Sie haben gebeten, vergessen zu werden"),
}
STAGES: Final = {
    Stage.OUT: ("no word of it yet", "noch nichts davon gehört"),
    Stage.DELIVERED: ("arrived", "angekommen"),
    Stage.WITHDRAWN: ("taken back", "zurückgenommen"),
    Stage.PRESUMED: ("counts as arrived", "gilt als angekommen"),
    Stage.GIVEN_BACK: ("was not sent", "wurde nicht gesendet"),
    Stage.HELD: ("reserved, there is no message yet", "vorgemerkt, noch keine Nachricht"),
}
SHARED: Final = {
    Where.PROPOSED: ("proposed", "vorgeschlagen"),
    Where.RESERVED: ("reserved", "vorgemerkt"),
    Where.SENT: ("sent", "geschickt"),
}
PURPOSES: Final = {
    "legal": ("legal notice", "rechtliche Mitteilung"),
    "contract": ("contract", "Vertrag"),
    "care": ("putting something right", "etwas in Ordnung bringen"),
    "marketing": ("advertising", "Werbung"),
}
YES: Final = (("no", "nein"), ("yes", "ja"))
IN_GENERAL: Final = ("in general", "allgemein")
OTHERS_SENT: Final = ("a contact by others", "ein Kontakt durch andere")


class Item(NamedTuple):
    """A field of what is stored. name: stable; label: in the customer's language. shown: None or empty:
    nothing is known."""

    name: str
    label: str
    shown: Shown


class RecordTold:
    """Tells a record. words: of the customer, with their language, zone and policy."""

    def __init__(self, record: Record, words: Words) -> None:
        self.record, self.words = record, words
        self._at = 1 if words.say.language == "de" else 0
        self._names: Mapping[int, str] = words.policy.named if words.policy is not None else {}
        self._channels: Mapping[int, str] = words.policy.channel_named if words.policy is not None else {}

    def items(self) -> Iterator[Item]:
        """Every field that is stored, in the record's order."""
        record = self.record
        head = {
            "band": OF_ANOTHER_ID if is_merged(record.flags) else record.band,
            "check": record.check,
            "ids": record.ids,
            "pending_ticks": record.pending_ticks,
            "pending_bases": [number for basis in record.pending_bases for number in basis],
            "feedback": record.feedback,
            "open_cases": record.open_cases,
            "ring": record.ring,
            "version": VERSION,
            "tail_length": len(pack_tail(record.tail)),
        }
        for bit, field in enumerate(fields.FLAGS):
            yield self._item(f"flags.{bit}", field, bool(record.flags >> bit & 1))
        for name, field in fields.HEAD.items():
            yield self._item(name, field, head[name])
        for group, told, values in (
            ("times", fields.TIMES, record.times),
            ("seconds", fields.SECONDS, record.seconds),
            ("numbers", fields.NUMBERS, record.numbers),
        ):
            for number, (field, value) in enumerate(zip(told, values, strict=True)):
                yield self._item(f"{group}.{number}", field, value)
        for name, field in fields.TAIL.items():
            if name not in _PACKED:
                yield self._item(f"tail.{name}", field, getattr(record.tail, name))
        yield from self._packed()

    def _packed(self) -> Iterator[Item]:
        tail = self.record.tail
        register = unpack_register(tail.consents)
        yield Item(
            "tail.consents",
            self._label(fields.TAIL["consents"]),
            [
                {self._label(_PURPOSE): self._purpose_of(*key), **self._parts(fields.STATEMENT, said)}
                for key, said in sorted(register.items())
            ],
        )
        restrictions = unpack_restrictions(tail.restrictions)
        yield Item(
            "tail.restrictions",
            self._label(fields.TAIL["restrictions"]),
            [
                {self._label(_REASON): RESTRICTIONS[reason][self._at], **self._parts(fields.RESTRICTION, said)}
                for reason, said in restrictions.items()
            ],
        )
        _, interests = unpack_interests(tail.interests)
        told = {topic: f"{count:.4g}" for topic, count in interests.items()}
        yield Item("tail.interests", self._label(fields.TAIL["interests"]), told)
        contract = self._parts(fields.CONTRACT, unpack_contract(tail.contract)) if tail.contract else {}
        yield Item("tail.contract", self._label(fields.TAIL["contract"]), contract)
        standing = unpack_standing(tail.standing)
        for name, field in standing_fields.STANDING.items():
            value = getattr(standing, name)
            if name in ("window", "treated"):
                value = [] if value is None else [value]
            if (parts := _LISTS.get(name)) is not None:
                yield Item(f"standing.{name}", self._label(field), [self._parts(parts, one) for one in value])
            else:
                yield self._item(f"standing.{name}", field, value)

        account = unpack_account(tail.points)
        for name, field in loyalty_fields.ACCOUNT.items():
            value = getattr(account, name)
            if (parts := _BOOKED.get(name)) is not None:
                yield Item(f"points.{name}", self._label(field), [self._parts(parts, one) for one in value])
            else:
                yield self._item(f"points.{name}", field, value)
        membership = unpack_membership(tail.membership)
        for name, field in loyalty_fields.MEMBERSHIP.items():
            yield self._item(f"membership.{name}", field, getattr(membership, name))

        loop = unpack_loop(tail.loyalty)
        for name, field in loyalty_fields.LOOP.items():
            yield self._item(f"loyalty.{name}", field, getattr(loop, name))

    def _parts(self, told: Mapping[str, Field], value: Any) -> dict[str, str]:
        """What is known of a part: its fields that say something."""
        made = {self._label(field): self._shown(field.form, getattr(value, name)) for name, field in told.items()}
        return {label: shown for label, shown in made.items() if isinstance(shown, str)}

    def _item(self, name: str, field: Field, value: Any) -> Item:
        return Item(name, self._label(field), self._shown(field.form, value))

    def _label(self, field: Field) -> str:
        return field[self._at]

    def _purpose_of(self, purpose: str, channel: str) -> str:
        where = IN_GENERAL[self._at] if channel == EVERY else self.words.say.channel(channel)
        return f"{self.words.say(purpose)}, {where}"

    def _shown(self, form: str, value: Any) -> Shown:
        at, words = self._at, self.words
        if form == "band" and value == OF_ANOTHER_ID:
            return ("all of it is part of your other id", "alles davon gehört zu Ihrer anderen Kennung")[at]
        if form == "band":
            return BANDS[Band(value)][at]
        if form == "yes_no":
            return YES[bool(value)][at]
        if form == "kind":
            return OTHERS_SENT[at] if value == OTHERS else kind_told(KINDS[value], words.say.language)
        if form == "purpose":
            return PURPOSES[ACTION_PURPOSES[value]][at]
        if form == "stage":
            return STAGES[Stage(value)][at]
        if form == "shared":
            return SHARED[Where(value)][at]
        if form == "wish":
            return None if value == NOT_STATED else str(value)
        if form == "answers":
            counts = counts_of(value)
            return ", ".join(map(str, counts)) if any(counts) else None
        if not value or (form == "due" and value == NEVER):
            return None
        return self._known(form, value)

    def _known(self, form: str, value: Any) -> Shown:
        """A value that says something."""
        words = self.words
        simple: dict[str, Callable[[], str]] = {
            "yes": lambda: YES[1][self._at],
            "time": lambda: words.at_ms(int(value)),
            "due": lambda: words.at_ms(time_of(value)),
            "second": lambda: words.at_ms(value * SECOND),
            "day": lambda: words.at_ms(value * DAY)[:10],
            "money": lambda: f"{value:.2f}",
            "risk": lambda: f"{value:.3f}",
            "whole": lambda: str(value),
            "loop": lambda: LOOP_STAGES[LOOP[value - 1]][self._at],
            "number": lambda: f"{value:.4g}",
            "text": lambda: str(value).replace("_", " "),
            "texts": lambda: ", ".join(sorted(value) if isinstance(value, frozenset) else value),
            "hex": lambda: value.hex(),
            "chances": lambda: ", ".join(f"{arm_name(arm)} {chance / ONE:.4f}" for arm, chance in value),
            "trigger": lambda: f"{value:032x}",
            "reference": lambda: f"{value:016x}",
            "named": lambda: self._names.get(value, f"{value:08x}"),
            "channel": lambda: self._channel(value),
        }
        if form in simple:
            return simple[form]()
        if form == "cases":
            return {case: words.at_ms(opened) for case, opened in value.items()}
        if form == "once":
            return {self._names.get(number, f"{number:08x}"): words.at_ms(last) for number, last in value.items()}
        if form == "told":
            return {
                self._names.get(number, f"{number:08x}"): CODES_OF.get(gate, f"{gate:04x}").replace("_", " ")
                for number, gate in value.items()
            }
        if form == "by_channel":
            return {self._channel(number): words.at_ms(since) for number, since in value.items()}
        if form in ("lots", "drawn"):
            lots = value.items() if form == "lots" else value
            return ", ".join(f"{points} ({self._end(expires)})" for expires, points in sorted(lots))
        if form == "draws":
            return ", ".join(
                f"{words.at_ms(one.opened)} – {words.at_ms(one.ends)}: {YES[one.given][self._at]}"
                f" ({one.alone / ONE:.4f}, {words.at_ms(one.last)})"
                for one in value
            )
        if form == "spent":
            return ", ".join(f"{self._names.get(one.budget, f'{one.budget:08x}')} {one.units}" for one in value)
        return _raw(value)

    def _end(self, expires: int) -> str:
        return "–" if expires == NEVER_EXPIRES else self.words.at_ms(expires)

    def _channel(self, number: int) -> str:
        name = self._channels.get(number)
        return self.words.say.channel(name) if name is not None else f"{number:04x}"


def _raw(value: Any) -> str | None:
    """Numbers of use to a machine alone, as they are."""
    if isinstance(value, Sequence):
        return ", ".join(map(str, value)) if any(value) else None
    return str(value)


_PACKED: Final = frozenset(
    {"consents", "restrictions", "interests", "contract", "standing", "points", "loyalty", "membership"}
)
_BOOKED: Final[dict[str, Mapping[str, Field]]] = {"earned": loyalty_fields.EARNED, "drawn": loyalty_fields.DRAWN}
_LISTS: Final[dict[str, Mapping[str, Field]]] = {
    "waiting": standing_fields.WAITING,
    "outstanding": standing_fields.OUTSTANDING,
    "counts": standing_fields.DAY_COUNT,
    "dates": standing_fields.DATED,
    "running": standing_fields.RUNNING,
    "window": standing_fields.WINDOW,
    "treated": standing_fields.TREATED,
    "unsent": standing_fields.UNSENT,
    "shared": standing_fields.SHARING,
}
_PURPOSE, _REASON = Field("to what", "wozu"), Field("why", "warum")
