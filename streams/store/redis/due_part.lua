-- A stretch of each of some buckets.
--
-- KEYS: meta, the buckets. ARGV: the commit that the caller read before, the greatest score, from which rank, how many
-- Returns {{member, score, ...} for each bucket, in its order}; nil when there was another commit since.

if redis.call('HGET', KEYS[1], 'number') ~= ARGV[1] then
  return false
end
local parts = {}
for i = 2, #KEYS do
  parts[i - 1] =
    redis.call('ZRANGEBYSCORE', KEYS[i], '-inf', ARGV[2], 'WITHSCORES', 'LIMIT', ARGV[3], ARGV[4])
end
return parts
