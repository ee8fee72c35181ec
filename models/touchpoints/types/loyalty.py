"""Event types: the loyalty programme."""

from __future__ import annotations

from math import nan
from typing import ClassVar

from models.touchpoints.envelope import CustomerEvent
from models.touchpoints.fields import Name, Points, Reference
from models.touchpoints.kinds import Kind
from models.touchpoints.payload import Numbers, Payload


class ProgrammeJoinedData(Payload, frozen=True, kw_only=True):
    """The customer joined a loyalty programme."""

    programme: Name | None = None


class RewardRedeemedData(Payload, frozen=True, kw_only=True):
    """The customer spent points on a reward."""

    reward: Reference
    points: Points

    def numbers(self) -> Numbers:
        return self.points, 0.0, nan


class ProgrammeJoined(CustomerEvent, frozen=True, tag="programme_joined"):
    kind: ClassVar[Kind] = Kind.PROGRAMME_JOINED
    data: ProgrammeJoinedData = ProgrammeJoinedData()


class RewardRedeemed(CustomerEvent, frozen=True, tag="reward_redeemed"):
    kind: ClassVar[Kind] = Kind.REWARD_REDEEMED
    data: RewardRedeemedData
