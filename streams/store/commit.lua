-- One compare-and-set write of a place, whole or not at all. Redis does not undo a script that fails halfway, so
-- everything that could fail is checked before the first write, and the first write (HSET) is the one that Redis
-- itself refuses when it is full, read-only or out of replicas.
--
-- KEYS: meta, due, outbox, then the value keys to set, then the value keys to remove
-- ARGV: token, expected number, next number, nonce, body,
--       how many: values, removed, dues, undue, outbox entries; trim,
--       then the values, the dues as (score, member), the undue members, the outbox entries
-- Returns: ok, again, token, number, missing (the outcomes of the port), or 'refused: <why>'.
--
-- Numbers are compared as text: Lua's doubles print with 14 digits only.

local HEAD = 11
local CHUNK = 4000 -- unpack's stack holds just under 8,000; even, so that pairs stay together

local keys, args = KEYS, ARGV
local call = redis.call
local meta, due, outbox = keys[1], keys[2], keys[3]

-- check
local count = {}
for i = 6, HEAD do
  local n = tonumber(args[i])
  if not n or n < 0 or n ~= math.floor(n) then
    return 'refused: count ' .. (i - 5) .. ' is not a whole number'
  end
  count[i - 5] = n
end
local values, removed, dues, undue, entries, trim = count[1], count[2], count[3], count[4], count[5], count[6]
if #keys ~= 3 + values + removed then
  return 'refused: ' .. #keys .. ' keys for ' .. values .. ' values and ' .. removed .. ' removed'
end
if #args ~= HEAD + values + 2 * dues + undue + entries then
  return 'refused: ' .. #args .. ' arguments do not fit the counts'
end

local kinds = { 'hash', 'zset', 'list' }
for i = 1, 3 do
  local kind = call('TYPE', keys[i]).ok
  if kind ~= 'none' and kind ~= kinds[i] then
    return 'refused: ' .. keys[i] .. ' holds a ' .. kind .. ', not a ' .. kinds[i]
  end
  if i == 1 and kind == 'none' then
    return 'missing'
  end
end

local stored = call('HMGET', meta, 'token', 'number', 'nonce')
if not (stored[1] and stored[2] and stored[3]) then
  return 'refused: ' .. meta .. ' lacks token, number or nonce'
end
if stored[1] ~= args[1] then
  return 'token'
end
if stored[2] == args[3] and stored[3] == args[4] then
  return 'again'
end
if stored[2] ~= args[2] then
  return 'number'
end

local length = call('LLEN', outbox)
if trim > length then
  return 'refused: trim of ' .. trim .. ' from an outbox of ' .. length
end
local first_due = HEAD + values + 1
local first_undue = first_due + 2 * dues
local first_entry = first_undue + undue
for i = first_due, first_undue - 1, 2 do
  local score = tonumber(args[i])
  if not score or score ~= score or score == math.huge or score == -math.huge then
    return 'refused: due score ' .. args[i] .. ' is not a finite number'
  end
end

-- write
call('HSET', meta, 'number', args[3], 'nonce', args[4], 'body', args[5])

for i = 4 + values, #keys, CHUNK do
  call('UNLINK', unpack(keys, i, math.min(i + CHUNK - 1, #keys)))
end
for start = 1, values, CHUNK / 2 do
  local pairs_ = {}
  local n = 0
  for i = start, math.min(start + CHUNK / 2 - 1, values) do
    pairs_[n + 1] = keys[3 + i]
    pairs_[n + 2] = args[HEAD + i]
    n = n + 2
  end
  call('MSET', unpack(pairs_, 1, n))
end
for i = first_undue, first_entry - 1, CHUNK do
  call('ZREM', due, unpack(args, i, math.min(i + CHUNK - 1, first_entry - 1)))
end
for i = first_due, first_undue - 1, CHUNK do
  call('ZADD', due, unpack(args, i, math.min(i + CHUNK - 1, first_undue - 1)))
end
for i = first_entry, #args, CHUNK do
  call('RPUSH', outbox, unpack(args, i, math.min(i + CHUNK - 1, #args)))
end
if trim > 0 then
  call('LTRIM', outbox, args[11], -1)
end
return 'ok'
