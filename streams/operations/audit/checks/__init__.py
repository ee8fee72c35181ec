"""What is asked of a trigger, one family of rules a module. Each yields what it finds broken."""

from streams.operations.audit.checks import amount, content, draw, hours, people, plan
from streams.operations.audit.checks.case import Case, Check

CHECKS: tuple[Check, ...] = (content.check, people.check, hours.check, amount.check, draw.check, plan.check)
"""All families, in the order in which their findings are told."""

__all__ = ["CHECKS", "Case", "Check"]
