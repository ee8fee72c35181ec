-- Some values of a namespace, with its meta as of the same moment.
--
-- KEYS: meta, the values. Returns (meta's token, number, nonce, body, weekly, buckets), values; false for what is not there.

local found = {}
for i = 2, #KEYS do
  found[i - 1] = redis.call('GET', KEYS[i])
end
return { redis.call('HMGET', KEYS[1], 'token', 'number', 'nonce', 'body', 'weekly', 'buckets'), found }
