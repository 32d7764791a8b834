-- Decides several limits of one request together: all of them or none. What it does stands, step
-- for step, in local.rs. `now`, the server's time in microseconds, and `slack`, which is 0, are set
-- by what stands before this script.
--
-- KEYS    one for each limit, all with one hash tag
-- ARGV    five for each limit: algorithm (b: token bucket, w: sliding window), limit, window
--         (microseconds), burst, cost
-- answers for each limit: admitted (0 or 1), remaining, microseconds until all is free again,
--         microseconds to wait (-1: never)
local answers, commits, all = {}, {}, true

-- A token bucket as the generic cell rate algorithm keeps it: one number, the time at which the
-- bucket is full again.
local function bucket(key, limit, window, burst, cost)
  local step = math.ceil(window / limit)
  local full_at = math.max(now, tonumber(redis.call('GET', key) or '0') or 0)
  local after = full_at + cost * step
  local room = burst * step

  if cost > burst then
    return false, math.floor((now + room - full_at) / step), full_at - now, -1
  end
  if after - room > now then
    return false, math.floor((now + room - full_at) / step), full_at - now, after - room - now
  end

  local commit = function()
    if cost > 0 then
      local keep = math.ceil((after - now) / 1000) + 1 + slack
      redis.call('SET', key, string.format('%.0f', after), 'PX', string.format('%.0f', keep))
    end
  end
  return true, math.floor((now + room - after) / step), after - now, 0, commit
end

-- An entry of a window: its time, its cost, and the cost of all entries up to and with it.
local function read(entry)
  local at, cost, sum = string.match(entry, '^(%d+):(%d+):(%d+)$')
  return tonumber(at), tonumber(cost), tonumber(sum)
end

-- The window as a list of what was admitted, so that it is exact; the running sums spare adding it
-- up.
local function sliding(key, limit, window, cost)
  local first = redis.call('LINDEX', key, 0)
  while first do
    local at = read(first)
    if at + window > now then break end
    redis.call('LPOP', key)
    first = redis.call('LINDEX', key, 0)
  end

  local used, sum, newest = 0, 0, now - window
  if first then
    local _, first_cost, first_sum = read(first)
    newest, _, sum = read(redis.call('LINDEX', key, -1))
    used = sum - first_sum + first_cost
  end

  if used + cost > limit then
    local wait = -1
    if cost <= limit then
      -- The time at which enough of the oldest entries have left.
      local at_entry, must_leave = 0, used + cost - limit
      while must_leave > 0 do
        local at, its_cost = read(redis.call('LINDEX', key, at_entry))
        must_leave, at_entry, wait = must_leave - its_cost, at_entry + 1, at + window - now
      end
    end
    return false, limit - used, newest + window - now, wait
  end

  local commit = function()
    if cost > 0 then
      local keep = math.ceil(window / 1000) + 1 + slack
      redis.call('RPUSH', key, string.format('%.0f:%.0f:%.0f', now, cost, sum + cost))
      redis.call('PEXPIRE', key, string.format('%.0f', keep))
    end
  end
  return true, limit - used - cost, cost > 0 and window or newest + window - now, 0, commit
end

for at, key in ipairs(KEYS) do
  local argument = function(offset) return ARGV[(at - 1) * 5 + offset] end
  local limit, window, burst, cost =
    tonumber(argument(2)), tonumber(argument(3)), tonumber(argument(4)), tonumber(argument(5))

  local admitted, remaining, reset, wait, commit
  if argument(1) == 'b' then
    admitted, remaining, reset, wait, commit = bucket(key, limit, window, burst, cost)
  else
    admitted, remaining, reset, wait, commit = sliding(key, limit, window, cost)
  end

  commits[at], all = commit, all and admitted
  answers[at] = { admitted and 1 or 0, remaining, reset, wait }
end

for at, answer in ipairs(answers) do
  if all then
    commits[at]()
  elseif answer[1] == 1 then
    answer[2] = answer[2] + tonumber(ARGV[at * 5])
  end
end
return answers
