"""Two ids are one customer: what a record's move comes to at the id that it leaves, at the customer's, and on the way.

Plain Python on whole records; the engine and the plain reference both call it (`models.engine.identities` has it for
lanes). What goes to another customer, on whatever shard, goes as a record to their input partition.
"""

from __future__ import annotations

from array import array
from base64 import b64encode

from models.customer.bands import Band
from models.customer.flags import FROM_TAIL, flags_of, may_be_profiled
from models.customer.joined import join_numbers
from models.customer.joined_tail import join_person
from models.customer.layout import (
    BACK,
    BASIS,
    CROSSING,
    EPISODE,
    ERASED,
    LEFT,
    NEWEST,
    OLDEST_CASE,
    PENDING_EXAMPLES,
    PENDING_RISK,
    PURCHASE_DAYS,
    REARMED,
    RETURNED,
    RISK,
    SPENT,
    STAYED,
    TICK,
    UNLEARNED,
    UNSCORED,
)
from models.customer.merged import Onward, join_rings, left_of, onward, revived
from models.customer.profile import oldest, open_cases
from models.customer.record import Record
from models.customer.worth import Worth
from models.decisions.draw import in_control
from models.decisions.episodes import forget_episode
from models.decisions.given import Given, Said
from models.decisions.joined import join_standing, older_window
from models.decisions.moments import take_back_by_record
from models.decisions.person import Person
from models.decisions.points import spread_of
from models.decisions.response import merged
from models.decisions.rules import rules_of
from models.decisions.shared_moments import drop, follow
from models.decisions.standing import OTHERS
from models.decisions.standing_stored import pack_standing, unpack_standing
from models.engine.arrived import record_of
from models.engine.by_policy import Customer, emit_end_of_episode, emit_said
from models.engine.decide import Row, emit_decision
from models.engine.ledger import emit_booked
from models.engine.moved_erasures import join_erased, stays_erased
from models.engine.output_buffer import Emitted, Work
from models.loyalty import membership
from models.loyalty.joined import join_loops, moves_away, moves_here
from models.loyalty.loop import LoopRules, pack_loop, unpack_loop
from models.loyalty.membership_stored import pack_membership, unpack_membership
from models.loyalty.stored import pack_account, put_off, unpack_account
from models.outputs import (
    FORWARDED,
    MERGE_REFUSED,
    MERGED,
    MOVED,
    REVIVED,
    ROLE,
    SHARED,
    TAKEN_OVER,
    LoopbackBody,
    loopback,
    output_id,
)
from models.settings import SECOND
from models.touchpoints.types.identities import IdentityMovedData, LoopbackData, TouchpointForwardedData
from models.touchpoints.types.shared_moments import SharedMomentData


def merge_away(
    work: Work, row: Row, record: Record, into: str, came: LoopbackData | None, tier: str | None = None
) -> Record:
    """An id is another customer's: what is known of it moves to them. What is left of the record. tier: of value, of
    the id; None: it is in none.

    Where it was told at another id that is the customer's already (`came`: how it came from there) it is refused: a
    device that several people share would make one customer of them.
    """
    customer = row.customer.decode()
    if into == customer or came is not None:
        _is_heard_of(record, row.now)
    if into == customer:
        return record
    if came is not None:
        reason = f"{came.path[0]} is theirs, and was told to be {into}; tell it at {customer} if all of them are one"
        emit_decision(work, row, MERGE_REFUSED, reason)
        return record
    inherits = _is_in_control(work, row, record, tier)
    end_episode(work, row, record, "another customer's id")
    account = unpack_account(record.tail.points)
    emit_booked(work, row, moves_away(account, row.now), record.tail)
    record.tail.points = pack_account(account)
    emit_booked(work, row, membership.moves_away(unpack_membership(record.tail.membership)), record.tail)
    _unlearned(record)
    _nothing_proposed(record)
    data = LoopbackBody(work.partition, (customer,), record=_text(record.pack()), control=inherits)
    _send(work, row, MOVED, into, data)
    emit_decision(work, row, MERGED, f"into {into}")
    return left_of(record, row.customer, into)


def take_over(
    work: Work, row: Row, own: Record, moved: IdentityMovedData, phase: int, tier: str | None = None
) -> Record:
    """What was known of another id becomes part of the customer's record, which is returned. phase: the customer's own,
    ms. tier: of value, theirs so far; None: they are in none."""
    origin = moved.path[0]
    other = record_of(moved)
    if stays_erased(own, other):
        return join_erased(work, row, own, other, origin)
    before, tick = own.flags, work.settings.tick
    _join_standing(work, row, own, other, moved.control, tier)
    here = row.now + tick - (row.now - work.settings.anchor - phase) % tick
    join_numbers(own, other, here)
    join_rings(own, other)
    _is_heard_of(own, row.now)
    join_person(own.tail, other.tail)
    own.open_cases = open_cases(own.tail)
    if own.tail.cases or not own.tail.more_cases:
        own.seconds[OLDEST_CASE] = oldest(own.tail.cases)
    account = unpack_account(own.tail.points)
    said = moves_here(account, unpack_account(other.tail.points), row.now)
    emit_booked(work, row, said, own.tail)
    own.tail.points = pack_account(account, spread_of(phase))
    level, rules = unpack_membership(own.tail.membership), rules_of(work.policy).membership if work.policy else None
    steps = rules.steps if rules is not None else None
    told = membership.moves_here(level, unpack_membership(other.tail.membership), steps)
    emit_booked(work, row, told, own.tail)
    own.tail.membership = pack_membership(level, spread_of(phase))
    if told:  # a level that is reached by both together is, and asks, at the next look
        own.tail.membership = put_off(own.tail.membership, (row.now // SECOND + 1) * SECOND)
    if own.tail.loyalty or other.tail.loyalty:
        loop = unpack_loop(own.tail.loyalty)
        join_loops(loop, unpack_loop(other.tail.loyalty), _loop_rules(work))
        own.tail.loyalty = pack_loop(loop)
    own.flags = own.flags & 0xFF & ~FROM_TAIL | flags_of(own.tail)
    if not may_be_profiled(own.tail, own.flags, row.now):
        own.tail.loyalty = b""
    if own.flags & UNLEARNED and not before & UNLEARNED:
        _unlearned(own)
    if own.flags & UNSCORED:
        _unscored(work, row, own)
    _take_back(work, row, own, phase)
    group = _control_joined(work, row, own, tier) if moved.control else ""
    emit_decision(work, row, TAKEN_OVER, f"what was known of {origin}", control_of=group)
    return own


def pass_on(work: Work, row: Row, record: Record, index: int, phase: int) -> Record:
    """What comes at an id that is another customer's goes on to them. index: of the row in the batch. What the record
    is then: its own again where it closes a circle."""
    customer, head = row.customer.decode(), work.batch.columns.between.get(index)
    hop = onward(customer, record.tail.merged, *_way(head))
    if hop is None:
        record = revived(record, row.customer)
        emit_decision(work, row, REVIVED, "of ids that are merged in a circle the smallest stays")
        if isinstance(head, IdentityMovedData):
            return take_over(work, row, record, head, phase)
    to, path, hops = hop if hop is not None else Onward(customer, (customer,))
    if isinstance(head, IdentityMovedData):
        data = LoopbackBody(work.partition, path, record=head.record, control=head.control, hops=hops)
        _send(work, row, MOVED, to, data)
    elif isinstance(head, SharedMomentData):
        said = (head.step, head.by, head.group, head.moment or "", head.action or "", head.channel or "")
        data = LoopbackBody(work.partition, path, 0, 0, "", "", False, hops, *said, head.asked, head.expires)
        _send(work, row, SHARED, to, data)
    else:
        event = head.event if isinstance(head, TouchpointForwardedData) else _text(work.batch.values[index] or b"")
        _send(work, row, FORWARDED, to, LoopbackBody(work.partition, path, event=event, hops=hops))
    return record


def _way(head: LoopbackData | None) -> tuple[tuple[str, ...], int]:
    """By which merged ids something has come, and how many more (`models.customer.merged.onward`). What is said of a
    shared moment comes from the other customer first."""
    if head is None or (isinstance(head, SharedMomentData) and head.path[0] == head.by):
        return (), 0
    return head.path, head.hops


def _nothing_proposed(record: Record) -> None:
    """What two are to be offered together and is not out yet is over; what is out goes on."""
    standing = unpack_standing(record.tail.standing)
    if standing.shared:
        drop(standing)
        record.tail.standing = pack_standing(standing)


def end_episode(work: Work, row: Row, record: Record, why: str) -> None:
    """The open episode is over, and what waits for risk is void."""
    was_open, record.times[EPISODE] = record.times[EPISODE] != 0.0, 0.0
    record.flags &= 0xFF & ~REARMED
    forget_episode(record.tail)
    if work.policy is not None and record.tail.standing:
        standing = unpack_standing(record.tail.standing)
        emit_end_of_episode(work, work.policy, row, standing)
        record.tail.standing = pack_standing(standing)
    if was_open:
        emit_decision(work, row, "episode_closed", why)


def _is_heard_of(record: Record, now: int) -> None:
    """A record that no touchpoint of its own has made leaves the store as that of a visitor at this time, ms."""
    if not record.times[NEWEST] and not record.flags & ERASED:
        record.times[NEWEST] = now


def _loop_rules(work: Work) -> LoopRules | None:
    rules = rules_of(work.policy).loyalty if work.policy is not None else None
    return rules.loop if rules is not None else None


def _is_in_control(work: Work, row: Row, record: Record, tier: str | None) -> bool:
    """Whether the id was of the control group, of those with whom there was something to be kept from."""
    if work.policy is None or not record.tail.standing:
        return False
    control, person = work.policy.policy.control, Person(row.customer, record.tail, tier=tier)
    return unpack_standing(record.tail.standing).inherited or in_control(control, person, row.now)


def _control_joined(work: Work, row: Row, own: Record, tier: str | None) -> str:
    """The policy of whose control group a customer is by now, for another id of theirs was; empty: of none."""
    person = Person(row.customer, own.tail, tier=tier)
    if work.policy is None or person.is_test(row.now):
        return ""
    return work.policy.name if in_control(work.policy.policy.control, person, row.now, inherited=True) else ""


def _join_standing(work: Work, row: Row, own: Record, other: Record, control: bool, tier: str | None) -> None:
    """How we stand with both. Of two windows of draws the older stays, and what the other id has bought before counts
    in it as it did: as what was there before."""
    if not other.tail.standing and not control:
        return
    mine, theirs = unpack_standing(own.tail.standing), unpack_standing(other.tail.standing)
    stays, ends = older_window(mine.window, theirs.window)
    if ends is not None and work.policy is not None:
        emit_said(work, work.policy, row, merged(ends, row.now))
    if stays is not None:
        joins = other if stays is mine.window else own
        net = float(joins.numbers[SPENT]) - float(joins.numbers[RETURNED])
        stays = stays._replace(net=stays.net + net)
    settled = join_standing(mine, theirs, row.now)
    if work.policy is not None:
        for one in settled:
            if one.entry.kind != OTHERS:
                emit_said(work, work.policy, row, Said(one.what, trigger=f"{one.id:032x}"))
    mine.window = stays
    if control and work.policy is not None:
        person = Person(row.customer, own.tail, tier=tier)
        mine.inherited = not in_control(work.policy.policy.control, person, row.now)
    own.tail.standing = pack_standing(mine)


def _take_back(work: Work, row: Row, own: Record, phase: int) -> None:
    """What is out under either id, and against what is now known of them, is taken back."""
    if work.policy is None or not own.tail.standing:
        return
    standing = unpack_standing(own.tail.standing)
    customer = Customer(row.customer, own.tail, own.flags, own.times, own.numbers, own.seconds, phase)
    person = customer.person(None, work.settings, work.policy)
    given = Given(work.policy, person, standing, row.now, work.settings.tick, phase, None, 0)
    for said in [*take_back_by_record(given), *follow(given)]:
        emit_said(work, work.policy, row, said, person)
    own.tail.standing = pack_standing(standing)


def _unlearned(record: Record) -> None:
    """Nothing is learned any more of what was begun."""
    for sort in range(PENDING_EXAMPLES):
        record.pending_ticks[sort] = 0
        record.pending_bases[sort] = array("H", bytes(2 * BASIS))
    record.numbers[PENDING_RISK] = 0.0
    record.flags &= 0xFF & ~(STAYED | BACK)
    record.worth = Worth()


def _unscored(work: Work, row: Row, record: Record) -> None:
    """They object to profiling: no estimate is made from now on, and none is kept."""
    record.times[TICK], record.numbers[RISK] = 0.0, 0.0
    if not record.flags & LEFT:
        record.seconds[CROSSING] = 0
    end_episode(work, row, record, "objects to profiling")
    record.band = Band.LAPSED if record.numbers[PURCHASE_DAYS] else Band.PROSPECT


def _text(value: bytes) -> str:
    return b64encode(value).decode()


def _send(work: Work, row: Row, kind: str, to: str, data: LoopbackBody) -> None:
    at = work.position(row.at)
    name = output_id(kind, row.customer.decode(), work.partition, at.offset)
    work.emit(row.at, Emitted(ROLE, name, to.encode(), loopback(kind, name, to, row.now, data), row.now))
