-- Creates the meta KEYS[1] with the body ARGV[1], number 0, empty token and nonce, and an empty due set in one bucket.
-- Returns 1, or 0 when there was one.

if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
redis.call('HSET', KEYS[1], 'token', '', 'number', '0', 'nonce', '', 'body', ARGV[1], 'weekly', '1', 'dues', '0')
return 1
