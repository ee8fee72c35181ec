-- A stretch of each of some buckets.
--
-- KEYS: meta, the buckets. ARGV: the commit that the caller read before, the greatest score, how many at most (-1: all),
--       from which rank, by bucket
-- Returns {{member, score, ...} for each bucket, in its order}; nil when there was another commit since.

if redis.call('HGET', KEYS[1], 'number') ~= ARGV[1] then
  return false
end
local parts = {}
for i = 2, #KEYS do
  local part = redis.pcall('ZRANGEBYSCORE', KEYS[i], '-inf', ARGV[2], 'WITHSCORES', 'LIMIT', ARGV[i + 2], ARGV[3])
  if part.err then
    local kind = redis.call('TYPE', KEYS[i]).ok
    return kind == 'zset' and part or redis.error_reply('WRONGTYPE ' .. KEYS[i] .. ' holds a ' .. kind .. ', not a zset')
  end
  parts[i - 1] = part
end
return parts
