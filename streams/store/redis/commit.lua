-- One compare-and-set write of a place, whole or not at all. Redis does not undo a script that fails halfway, so
-- everything that could fail is checked before the first write, the right to each command included, and the first
-- write (HSET) is the one that Redis itself refuses when it is full, read-only or out of replicas. No order of the
-- writes would do instead: with the number first, the retry of half a write would be taken for done ('again'); with
-- the number last, whoever reads the place anew would find records of the future under the old cut, and the retry
-- would append to the outbox twice.
--
-- The due set lies in buckets (streams/store/redis/due_buckets.py): small sorted sets. The key `due` holds the first
-- member of each bucket, by its score. Which member lies where, and what of a bucket goes into a new one, the caller
-- knows: it has read what it splits, and nobody has written since, or the commit's number is another.
--
-- KEYS: meta, due, outbox, the buckets to write (first those that are split, then those that are new),
--       then the value keys to set, then the value keys to remove
-- ARGV: token, expected number, next number, nonce, body, '<layout> <buckets>' as the caller knows them, buckets from
--       now on; how many: split, new, buckets to write, values, removed, outbox entries; trim,
--       for each bucket to write: how many undue, how many dues; the values,
--       for each bucket to write: its undue members, its dues as (score, member); the outbox entries
--       (of a bucket that is split all that stays in it, since it is written anew)
-- Returns: 'ok', 'again' or 'buckets', each with ' <layout> <buckets> <members of the due set>' as they stand; token,
--          number, missing (outcomes of the port); outdated; 'refused: <why>'; or an error. Nothing but ok has written.
--
-- Numbers are compared as text: Lua's doubles print with 14 digits only.

local HEAD = 14
local CHUNK = 4000 -- unpack's stack holds just under 8,000; even, so that pairs stay together
local PAIRS = 32 -- values in one MSET: the stack they are unpacked on stays in the CPU's cache

local keys, args = KEYS, ARGV
local call, min, unpack = redis.call, math.min, unpack
local meta, due, outbox = keys[1], keys[2], keys[3]

local function whole(i)
  local n = tonumber(args[i])
  return n and n >= 0 and n == math.floor(n) and n or nil
end

-- check
local count = {}
for i = 7, HEAD do
  count[i] = whole(i)
  if not count[i] then
    return 'refused: argument ' .. i .. ' is not a whole number'
  end
end
local buckets, split, new, touched = count[7], count[8], count[9], count[10]
local values, removed, entries, trim = count[11], count[12], count[13], count[14]
local first_bucket = 4
local before_values = first_bucket + touched - 1
if #keys ~= before_values + values + removed or split + new > touched then
  return 'refused: ' .. #keys .. ' keys for ' .. split .. ' split and ' .. new .. ' new ones of ' .. touched
    .. ' buckets, ' .. values .. ' values and ' .. removed .. ' removed'
end
local first_value = HEAD + 2 * touched + 1
local first_due = first_value + values
local first_entry = first_due
for i = 0, touched - 1 do
  local undue, dues = whole(HEAD + 1 + 2 * i), whole(HEAD + 2 + 2 * i)
  if not (undue and dues) then
    return 'refused: the counts of bucket ' .. keys[first_bucket + i] .. ' are not whole numbers'
  end
  for j = first_entry + undue, first_entry + undue + 2 * dues - 1, 2 do
    local score = tonumber(args[j])
    if not score or score ~= score or score == math.huge or score == -math.huge then
      return 'refused: due score ' .. tostring(args[j]) .. ' is not a finite number'
    end
  end
  first_entry = first_entry + undue + 2 * dues
end
if #args ~= first_entry + entries - 1 then
  return 'refused: ' .. #args .. ' arguments do not fit the counts'
end

if call('EXISTS', meta) == 0 then
  return 'missing'
end
local function foreign(key, kind)
  local found = call('TYPE', key).ok
  if found ~= 'none' and found ~= kind then
    return 'refused: ' .. key .. ' holds a ' .. found .. ', not a ' .. kind
  end
end

local kinds = { 'hash', 'zset', 'list' }
for i = 1, 3 do
  local why = foreign(keys[i], kinds[i])
  if why then
    return why
  end
end
local stored = call('HMGET', meta, 'token', 'number', 'nonce', 'dues', 'weekly', 'buckets')
if not (stored[1] and stored[2] and stored[3]) then
  return 'refused: ' .. meta .. ' lacks token, number or nonce'
end
local held, layout = stored[4], stored[5] and 'weekly' or 'buckets'
local known = stored[5] or stored[6]
if not (known and held) then
  return 'outdated'
end
local standing = ' ' .. layout .. ' ' .. known .. ' ' .. held
if stored[1] ~= args[1] then
  return 'token'
end
if stored[2] == args[3] and stored[3] == args[4] then
  return 'again' .. standing
end
if stored[2] ~= args[2] then
  return 'number'
end
if layout .. ' ' .. known ~= args[6] then
  return 'buckets' .. standing
end

local length = call('LLEN', outbox)
if trim > length then
  return 'refused: trim of ' .. trim .. ' from an outbox of ' .. length
end
for i = first_bucket + split, first_bucket + split + new - 1 do
  local why = foreign(keys[i], 'bucket that is still to be made')
  if why then
    return why
  end
end

-- The error of the first command to come that the user may not run. Each is in a form that writes nothing: meta is a
-- hash, no place has a key of that name, and HSET and MSET lack a value. Redis before 7.0 can only be tried; HSET comes
-- first, because it asks only before a script's first write command whether its memory is full.
local function denied()
  local nobodys = string.gsub(meta, ':meta$', 'due:none')
  local forms = {
    { 'HSET', meta, '', '', '' }, { 'RPUSH', meta, '' }, { 'LTRIM', meta, 0, -1 }, { 'MSET', meta, '', meta },
    { 'UNLINK', nobodys }, { 'ZADD', meta, 0, '' }, { 'ZREM', meta, '' }, { 'ZRANGE', meta, 0, 0 },
  }
  for _, form in ipairs(forms) do
    if redis.acl_check_cmd then
      if not redis.acl_check_cmd(unpack(form)) then
        return redis.error_reply('NOPERM this user may not run ' .. form[1])
      end
    else
      local found = redis.pcall(unpack(form))
      local err = type(found) == 'table' and found.err
      if err and not (string.find(err, 'WRONGTYPE', 1, true) or string.find(err, 'wrong number', 1, true)) then
        return redis.error_reply(string.gsub(err, '^-', '') .. ' (' .. form[1] .. ')')
      end
    end
  end
end
local why = denied()
if why then
  return why
end

-- The first (member, score) of each bucket to write.
local first = {}
for i = 1, touched do
  local key = keys[first_bucket + i - 1]
  first[i] = redis.pcall('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[i].err then
    return foreign(key, 'zset') or first[i]
  end
end

-- write
call('HSET', meta, 'number', args[3], 'nonce', args[4], 'body', args[5])

local function chunked(command, key, list, from, to)
  local sum = 0
  for i = from, to, CHUNK do
    sum = sum + call(command, key, unpack(list, i, min(i + CHUNK - 1, to)))
  end
  return sum
end

local gone, heads = {}, {} -- to take out of `due`, to put in as (score, member)
local at, members = first_due, 0
for i = 1, touched do
  local key, was = keys[first_bucket + i - 1], first[i]
  local undue, dues = tonumber(args[HEAD + 2 * i - 1]), tonumber(args[HEAD + 2 * i])
  local score = tonumber(was[2])
  local moved = i <= split or not score
  if i <= split then -- written anew, so that one that had outgrown Redis's compact encoding is back in it
    members = members - #call('ZRANGE', key, 0, -1)
    call('UNLINK', key)
  end
  for j = at, at + undue - 1 do
    moved = moved or args[j] == was[1]
  end
  members = members - chunked('ZREM', key, args, at, at + undue - 1)
  at = at + undue
  for j = at, at + 2 * dues - 1, 2 do
    moved = moved or args[j + 1] == was[1] or tonumber(args[j]) <= score
  end
  members = members + chunked('ZADD', key, args, at, at + 2 * dues - 1)
  at = at + 2 * dues
  if moved then
    local is = call('ZRANGE', key, 0, 0, 'WITHSCORES')
    if was[1] ~= is[1] then
      gone[#gone + 1] = was[1]
    end
    if is[1] and (was[1] ~= is[1] or was[2] ~= is[2]) then
      heads[#heads + 1] = is[2]
      heads[#heads + 1] = is[1]
    end
  end
end
chunked('ZREM', due, gone, 1, #gone)
chunked('ZADD', due, heads, 1, #heads)
members = tonumber(held) + members
if members ~= tonumber(held) or buckets ~= tonumber(known) then
  call('HSET', meta, layout, buckets, 'dues', members)
end

for i = before_values + values + 1, #keys, CHUNK do
  call('UNLINK', unpack(keys, i, min(i + CHUNK - 1, #keys)))
end
local pairs_ = {}
for start = 0, values - 1, PAIRS do
  local size = min(PAIRS, values - start)
  for i = 1, size do
    pairs_[2 * i - 1] = keys[before_values + start + i]
    pairs_[2 * i] = args[first_value - 1 + start + i]
  end
  call('MSET', unpack(pairs_, 1, 2 * size))
end
chunked('RPUSH', outbox, args, first_entry, #args)
if trim > 0 then
  call('LTRIM', outbox, args[HEAD], -1)
end
return 'ok ' .. layout .. ' ' .. buckets .. ' ' .. members
