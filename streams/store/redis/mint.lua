-- Makes ARGV[1] the owner's token of the meta KEYS[1]; with ARGV[2] only when that is the stored token, or ARGV[1] is.
-- Returns {token, number, nonce, body} as they were before, or nil when there is no meta; 'outdated' or
-- 'refused: <why>' when nothing was done. HMGET raises WRONGTYPE on a foreign key before anything is written.

local stored = redis.call('HMGET', KEYS[1], 'token', 'number', 'nonce', 'body', 'weekly', 'buckets')
if redis.call('EXISTS', KEYS[1]) == 0 then
  return false
end
if not (stored[1] and stored[2] and stored[3] and stored[4]) then
  return 'refused: ' .. KEYS[1] .. ' lacks token, number, nonce or body'
end
if not (stored[5] or stored[6]) then
  return 'outdated'
end
if not ARGV[2] or stored[1] == ARGV[2] or stored[1] == ARGV[1] then
  redis.call('HSET', KEYS[1], 'token', ARGV[1])
end
return stored
