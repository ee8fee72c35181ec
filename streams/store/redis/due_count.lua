-- How many members of some buckets are due.
--
-- KEYS: meta, the buckets. ARGV: the commit that the caller read before (empty: any), the greatest score
-- Returns the number; nil when there was another commit since.

if ARGV[1] ~= '' and redis.call('HGET', KEYS[1], 'number') ~= ARGV[1] then
  return false
end
local count = 0
for i = 2, #KEYS do
  count = count + redis.call('ZCOUNT', KEYS[i], '-inf', ARGV[2])
end
return count
