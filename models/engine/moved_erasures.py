"""One of two ids that become one customer has asked to be forgotten: so has the customer.

It is as if the request had come at the one id that both are by now. A consent that is newer than the erasure counts
after it, as at one id; what was refused under either id outlasts it.
"""

from __future__ import annotations

from models.customer.bands import Band
from models.customer.consent import all_refused, pack_register, unpack_register
from models.customer.joined_tail import stricter
from models.customer.kept import kept_of
from models.customer.layout import ERASED, NEWEST, NO_CONSENT
from models.customer.record import Record
from models.decisions.standing_stored import unpack_standing
from models.engine.by_policy import emit_withdrawals
from models.engine.decide import Row, emit_decision
from models.engine.ledger import close_earned
from models.engine.output_buffer import Work
from models.outputs import TAKEN_OVER


def stays_erased(own: Record, other: Record) -> bool:
    """Whether nothing may be known of a customer any more: their own id was erased, or the other one, and they have
    consented to nothing since. Where no time of erasures is kept none ends."""
    if own.flags & ERASED:
        return True
    if not other.flags & ERASED:
        return False
    erased, said = other.times[NEWEST], unpack_register(own.tail.consents).values()
    return not erased or not any(one.granted and one.time > erased for one in said)


def join_erased(work: Work, row: Row, own: Record, other: Record, origin: str) -> Record:
    """The customer's record where they stay erased: of either id only refusals are kept, and what is out is taken back.
    origin: the other id."""
    for record in (own, other):
        if work.policy is not None and record.tail.standing:
            emit_withdrawals(work, work.policy, row, unpack_standing(record.tail.standing), "erased")
    if own.flags & ERASED:
        left, reason = own, "nothing: the customer asked to be forgotten"
    else:
        close_earned(work, row, own.tail)
        left, reason = Record(row.customer), f"what was known of {origin}"
        left.flags, left.band = ERASED, Band.ERASED
    mine, theirs = (unpack_register(kept_of(one.tail, erased=True).consents) for one in (own, other))
    left.tail.consents = pack_register(all_refused(stricter(mine, theirs)))
    left.flags |= NO_CONSENT if left.tail.consents else 0
    if other.flags & ERASED:
        left.times[NEWEST] = max(left.times[NEWEST], other.times[NEWEST])
    emit_decision(work, row, TAKEN_OVER, reason)
    if left is not own:
        emit_decision(work, row, "erased", f"the customer asked to be forgotten, as {origin}")
    return left
