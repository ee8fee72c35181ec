"""All keys of one place of the store, copied and put back atomically: a Redis that has gone back."""

from __future__ import annotations

from typing import Any

from redis import Redis

_COPY = """
local copied = {}
for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
  copied[#copied + 1] = key
  copied[#copied + 1] = redis.call('DUMP', key)
end
return copied
"""

_PUT_BACK = """
for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
  redis.call('DEL', key)
end
for i = 2, #ARGV, 2 do
  redis.call('RESTORE', ARGV[i], 0, ARGV[i + 1])
end
"""

Copy = list[bytes]


def _keys(app: str, place: str) -> str:
    return f"{{{app}:{place}}}*"


def copy_place(redis: Redis, app: str, place: str | int) -> Copy:
    """Every key of the place, as of one moment."""
    copied: Any = redis.eval(_COPY, 0, _keys(app, str(place)))
    return list(copied)


def put_back(redis: Redis, app: str, place: str | int, copied: Copy) -> None:
    """The place as it was; what has been written since is gone."""
    redis.eval(_PUT_BACK, 0, _keys(app, str(place)), *copied)


def untokened(redis: Redis, app: str, place: str | int) -> dict[bytes, Any]:
    """Every key of the place with its content, the owner's token left out: a takeover changes nothing else."""
    found: dict[bytes, Any] = {}
    for key in sorted(redis.scan_iter(_keys(app, str(place)), count=1000)):
        if key.endswith(b":meta"):
            found[key] = {name: value for name, value in redis.hgetall(key).items() if name != b"token"}
        else:
            found[key] = redis.dump(key)
    return found
