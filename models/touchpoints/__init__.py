"""Input events: CloudEvents of what customers do, validated and read into columns.

`read` and `event` are the two directions. The types and their data stand in the module of their family (`commerce`,
`engagement`, `conversation`, `social`, `service`, `preferences`, `loyalty`, `campaign`, and `reserved` for the engine's
own records); `limits` has every bound, `payload` the table of the numbers read from each kind.
"""

from models.touchpoints.diagnosis import Code, Rejected
from models.touchpoints.kinds import FAMILY, RESERVED, Family, Kind
from models.touchpoints.limits import MAX_EVENT_BYTES
from models.touchpoints.payload import SEVERITY, Payload
from models.touchpoints.reading import Record, Touch, read
from models.touchpoints.union import EVENTS, Event
from models.touchpoints.writing import InvalidTouchpoint, event

__all__ = [
    "EVENTS",
    "FAMILY",
    "MAX_EVENT_BYTES",
    "RESERVED",
    "SEVERITY",
    "Code",
    "Event",
    "Family",
    "InvalidTouchpoint",
    "Kind",
    "Payload",
    "Record",
    "Rejected",
    "Touch",
    "event",
    "read",
]
