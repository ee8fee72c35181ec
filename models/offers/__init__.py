"""What we would do for a customer at risk."""

from models.offers.choice import Choice, choose

__all__ = ["Choice", "choose"]
