"""Size limits of an input event and its fields.

Every string, list and number that enters the engine is bounded, so that a record of a customer is too. Lengths are in
characters (Unicode code points) unless the name says bytes.
"""

from __future__ import annotations

from typing import Final

MAX_EVENT_BYTES: Final = 64 * 1024  # the size up to which CloudEvents asks every intermediary to forward an event
MAX_FORWARDED_BYTES: Final = 104 * 1024  # of a loopback record that holds an event of that size
# Python's recursion limit counts the caller's frames, so without a limit of our own the same bytes could be read in one
# place and refused in another. The schema itself needs three levels; the rest is for additional fields.
MAX_NESTING: Final = 256

MAX_EVENT_ID: Final = 200
MAX_SOURCE: Final = 500
MAX_CUSTOMER: Final = 128  # at most 512 bytes of UTF-8, the size of a Kafka and Redis key

MAX_REFERENCE: Final = 200  # ids of orders, messages, content, cases, campaigns, coupons, triggers, rewards
MAX_CHANNEL: Final = 32
MAX_TOPIC: Final = 64
MAX_NAME: Final = 200  # names of people, plans, programmes, events
MAX_QUERY: Final = 500
MAX_REASON: Final = 500
MAX_TEXT: Final = 10_000
MAX_POLICY: Final = 48 * 1024  # its text; what is longer in bytes is refused by whoever reads it
MAX_POLICY_FORMAT: Final = 1_000
MAX_TIME_ZONE: Final = 64
MAX_LANGUAGE: Final = 35  # RFC 5646, section 4.4.1

MAX_CHANNELS: Final = 16
MAX_TOPICS: Final = 64
MAX_REWARDS: Final = 32
MAX_PARTICIPANTS: Final = 64
MAX_SELECTED: Final = 16  # values of a selector of a stop
MAX_STOPS: Final = 64  # that one record ends

MAX_PATH: Final = 16  # ids that a record between shards has passed

MAX_AMOUNT: Final = 1e12  # its square still is a float32
MAX_QUANTITY: Final = 1e9
MAX_POINTS: Final = 1e12
MAX_POINTS_GIVEN: Final = 1_000_000_000
MAX_SECONDS: Final = 31 * 86_400.0
MAX_PER_WEEK: Final = 100

EARLIEST_MS: Final = 631_152_000_000  # 1990-01-01T00:00:00Z; earlier times are unset fields and broken clocks
MAX_AHEAD_MS: Final = 3_600_000  # a producer's clock may be this far ahead of the record's timestamp
MAX_MILLISECONDS: Final = 253_402_300_799_999  # the end of the year 9999
