"""The closed union of all event types."""

from __future__ import annotations

from typing import Final, get_args

from models.touchpoints.envelope import Envelope
from models.touchpoints.types.asked import AskedMay, PreviewAsked
from models.touchpoints.types.campaign import (
    CampaignReceived,
    CouponRedeemed,
    OfferAccepted,
    OfferDeclined,
    OfferDelivered,
    OfferExpired,
    OfferFailed,
    OfferOpened,
    OfferSent,
    OfferWithdrawn,
    SpamReported,
)
from models.touchpoints.types.commerce import (
    CancelStarted,
    CartAbandoned,
    DeliveryDelayed,
    PaymentFailed,
    PaymentRecovered,
    PriceChangeAnnounced,
    Purchase,
    Return,
    SubscriptionCancelled,
    SubscriptionChanged,
    SubscriptionPaused,
    SubscriptionRenewed,
    SubscriptionResumed,
    SubscriptionStarted,
)
from models.touchpoints.types.conversation import Call, Chat, EmailReceived, Presence, ReplySent, Shared
from models.touchpoints.types.engagement import (
    ContentViewed,
    EventAttended,
    MessageClicked,
    MessageOpened,
    MessageUnsubscribed,
    Search,
    Visit,
)
from models.touchpoints.types.identities import IdentityMerged, IdentityMoved, TouchpointForwarded
from models.touchpoints.types.loyalty import PointsAdjusted, ProgrammeJoined, RewardCancelled, RewardRedeemed
from models.touchpoints.types.preferences import (
    ConsentChanged,
    EraseRequested,
    PreferencesUpdated,
    ProfileUpdated,
    Restricted,
)
from models.touchpoints.types.requests import AccessRequested, DecisionContested, RestrictionRequested
from models.touchpoints.types.reserved import (
    Clock,
    ExpiredUnsent,
    LookedAt,
    ModelChosen,
    PolicyChosen,
    Resumed,
    SettingsChosen,
    Stopped,
)
from models.touchpoints.types.service import CaseOpened, CaseResolved, CaseUpdated, Complaint, Csat, Nps
from models.touchpoints.types.shared_moments import SharedMoment
from models.touchpoints.types.social import CommunityHelp, Mention, Recommendation, Referral, Review

Event = (
    Purchase
    | Return
    | CartAbandoned
    | SubscriptionStarted
    | SubscriptionRenewed
    | SubscriptionCancelled
    | PaymentFailed
    | SubscriptionPaused
    | SubscriptionResumed
    | SubscriptionChanged
    | PaymentRecovered
    | CancelStarted
    | DeliveryDelayed
    | PriceChangeAnnounced
    | Visit
    | Search
    | ContentViewed
    | MessageOpened
    | MessageClicked
    | MessageUnsubscribed
    | EventAttended
    | Presence
    | Chat
    | Shared
    | Call
    | EmailReceived
    | ReplySent
    | Mention
    | Review
    | Recommendation
    | Referral
    | CommunityHelp
    | CaseOpened
    | CaseUpdated
    | CaseResolved
    | Complaint
    | Csat
    | Nps
    | PreferencesUpdated
    | ProfileUpdated
    | ConsentChanged
    | EraseRequested
    | Restricted
    | AccessRequested
    | RestrictionRequested
    | DecisionContested
    | IdentityMerged
    | ProgrammeJoined
    | RewardRedeemed
    | RewardCancelled
    | PointsAdjusted
    | CampaignReceived
    | CouponRedeemed
    | OfferDelivered
    | OfferOpened
    | OfferAccepted
    | OfferDeclined
    | OfferExpired
    | OfferSent
    | OfferFailed
    | OfferWithdrawn
    | SpamReported
    | Clock
    | ExpiredUnsent
    | ModelChosen
    | SettingsChosen
    | PolicyChosen
    | Stopped
    | Resumed
    | LookedAt
    | AskedMay
    | PreviewAsked
    | IdentityMoved
    | TouchpointForwarded
    | SharedMoment
)

# The class of each type on the wire.
EVENTS: Final[dict[str, type[Envelope]]] = {event.kind.type: event for event in get_args(Event)}
