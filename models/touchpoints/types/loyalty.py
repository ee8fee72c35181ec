"""Event types: the loyalty programme."""

from __future__ import annotations

from math import nan
from typing import ClassVar

from models.touchpoints.envelope import CustomerEvent
from models.touchpoints.fields import Name, Points, PointsGiven, Reason, Reference
from models.touchpoints.kinds import Kind
from models.touchpoints.payload import Numbers, Payload


class ProgrammeJoinedData(Payload, frozen=True, kw_only=True):
    """The customer joined a loyalty programme."""

    programme: Name | None = None


class RewardRedeemedData(Payload, frozen=True, kw_only=True):
    """The customer spent points on a reward.

    redemption_id: by which this one can be cancelled.
    """

    reward: Reference
    points: Points
    redemption_id: Reference | None = None

    def numbers(self) -> Numbers:
        return self.points, 0.0, nan


class RewardCancelledData(Payload, frozen=True, kw_only=True):
    """A reward that was redeemed is cancelled: by its `redemption_id`, or, where it had none, by its name."""

    reward: Reference
    redemption_id: Reference | None = None


class PointsAdjustedData(Payload, frozen=True, kw_only=True):
    """A person gave the customer points, or took some; such as what they had elsewhere."""

    points: PointsGiven
    reason: Reason | None = None


class ProgrammeJoined(CustomerEvent, frozen=True, tag="programme_joined"):
    kind: ClassVar[Kind] = Kind.PROGRAMME_JOINED
    data: ProgrammeJoinedData = ProgrammeJoinedData()


class RewardRedeemed(CustomerEvent, frozen=True, tag="reward_redeemed"):
    kind: ClassVar[Kind] = Kind.REWARD_REDEEMED
    data: RewardRedeemedData


class RewardCancelled(CustomerEvent, frozen=True, tag="reward_cancelled"):
    kind: ClassVar[Kind] = Kind.REWARD_CANCELLED
    data: RewardCancelledData


class PointsAdjusted(CustomerEvent, frozen=True, tag="points_adjusted"):
    kind: ClassVar[Kind] = Kind.POINTS_ADJUSTED
    data: PointsAdjustedData
