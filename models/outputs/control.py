"""Who is of the control group, as other senders read it."""

from __future__ import annotations

import msgspec


class ControlMember(msgspec.Struct, frozen=True, gc=False, tag="control_member", omit_defaults=True):
    """A customer of the lasting control group: no marketing of anybody's, or the comparison is none.

    The key is the customer's id; a record without a value says that they are of it no more, or asked to be forgotten.
    since: log time of the first decision that found them in it, ms. policy: the name of the policy that decided then.
    """

    customer: str
    since: int
    policy: str
