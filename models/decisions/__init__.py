"""Decisions about a customer at risk: risk episodes and the choice of an action."""

from models.decisions.choice import Choice, choose

__all__ = ["Choice", "choose"]
