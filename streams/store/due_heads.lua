-- The first members of the buckets that hold something due, and at which commit this was read.
--
-- KEYS: meta, due. ARGV: the greatest score, how many at most (-1: all)
-- Returns {number, buckets, {member, score, ...} in their order}; nil when there is no meta; 'outdated'.

local stored = redis.call('HMGET', KEYS[1], 'number', 'buckets')
if not stored[1] then
  return false
end
if not stored[2] then
  return 'outdated'
end
local heads = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
return { stored[1], stored[2], heads }
