"""The churn definition: which touchpoints count as activity, which as a cancellation."""

from __future__ import annotations

from typing import Final

from models.settings import Alive
from models.touchpoints import Kind

SIGNS: Final[dict[Alive, frozenset[Kind]]] = {
    "purchase": frozenset({Kind.PURCHASE}),
    "engagement": frozenset(
        {
            Kind.PURCHASE,
            Kind.VISIT,
            Kind.SEARCH,
            Kind.CONTENT_VIEWED,
            Kind.MESSAGE_CLICKED,
            Kind.EVENT_ATTENDED,
            Kind.PRESENCE,
            Kind.CHAT,
        }
    ),
    "contract": frozenset({Kind.SUBSCRIPTION_STARTED, Kind.SUBSCRIPTION_RENEWED}),
}
"""Signs of staying: what ends a silence, and begins the next. An opened message is none: mail programs open, too."""

LEAVING: Final[dict[Alive, frozenset[Kind]]] = {
    "purchase": frozenset(),
    "engagement": frozenset(),
    "contract": frozenset({Kind.SUBSCRIPTION_CANCELLED}),
}
"""Who does this has left at once; there is no silence to wait for, and nothing to foresee until a new sign."""
