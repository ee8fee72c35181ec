"""What we would do for a customer at risk."""

from models.decisions.choice import Choice, choose

__all__ = ["Choice", "choose"]
