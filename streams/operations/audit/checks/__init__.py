"""What is asked of a trigger, one family of rules a module. Each yields what it finds broken."""

from streams.operations.audit.checks import amount, content, dates, draw, hours, people, plan
from streams.operations.audit.checks.case import Case, Check

_FAMILIES = (content, dates, people, hours, amount, draw, plan)
CHECKS: tuple[Check, ...] = tuple(family.check for family in _FAMILIES)
"""All families, in the order in which their findings are told."""

OF_RESENT: tuple[Check, ...] = (people.check, hours.check, amount.check)
"""Of what is sent again: nothing asked anew, and nothing was drawn."""

__all__ = ["CHECKS", "OF_RESENT", "Case", "Check"]
