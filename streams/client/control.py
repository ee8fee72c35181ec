"""The rule by which customers are of the control group, for whoever sends beside the engine."""

from __future__ import annotations

from typing import Final

from models.numerics.shares import within

SALT: Final = "1"
"""Of a policy that names none."""


def in_control_group(customer: str, share: float, salt: str = SALT, account: str = "") -> bool:
    """Whether a customer is of the lasting control group by the rule: who is gets no marketing, of anybody.

    It is the policy's `[control]`; leave out who is exempt (`exempt`, `exempt_plans`, `exempt_programmes`,
    `exempt_tiers`). The topic of members (`retention control`) says who was found in it, and counts where the two
    differ: a customer's account may have changed since.

    Args:
        customer: the id.
        share: of all customers, as the policy has it.
        salt: of the policy.
        account: of the customer, where they have one; it is drawn in their place.

    >>> in_control_group("anna", 1.0), in_control_group("anna", 0.0)
    (True, False)
    """
    return within(share, salt, (account or customer).encode())
