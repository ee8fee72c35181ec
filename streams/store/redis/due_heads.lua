-- The first members of the buckets that hold something due, and at which commit this was read.
--
-- KEYS: meta, due. ARGV: the greatest score, from which rank, how many at most
-- Returns {number, layout, buckets, {member, score, ...} in their order}; nil when there is no meta; 'outdated'.

local stored = redis.call('HMGET', KEYS[1], 'number', 'weekly', 'buckets')
if not stored[1] then
  return false
end
if not (stored[2] or stored[3]) then
  return 'outdated'
end
local heads = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', ARGV[2], ARGV[3])
return { stored[1], stored[2] and 'weekly' or 'buckets', stored[2] or stored[3], heads }
