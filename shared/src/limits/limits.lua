-- Decides several limits of one request together: all of them or none. What it does stands, step
-- for step, in local.rs. `now`, the server's time in microseconds, and `slack`, which is 0, are set
-- by what stands before this script, and bucket.lua stands before it too.
--
-- KEYS    one for each limit, all with one hash tag
-- ARGV    five for each limit: algorithm, three numbers, cost. The numbers are
--         b (token bucket):   step (ticks in which it gets one more), ticks of a microsecond, burst
--         w (sliding window): limit, window, grain (microseconds)
-- answers for each limit: admitted (0 or 1), remaining, microseconds until all is free again,
--         microseconds to wait (-1: never)
local answers, commits, all = {}, {}, true

local function bucket(key, step, scale, burst, cost)
  local debt, room = read_debt(key, scale), burst * step
  local after = debt + cost * step
  local remaining = function(owed) return math.max(0, math.floor((room - owed) / step)) end
  local micros = function(ticks) return math.ceil(ticks / scale) end

  if cost > burst or after > room then
    local wait = cost > burst and -1 or micros(after - room)
    return false, remaining(debt), micros(debt), wait
  end

  local commit = function()
    if cost > 0 then write_debt(key, scale, after) end
  end
  return true, remaining(after), micros(after), 0, commit
end

-- An entry of a window: its time, its cost, and the cost of all entries up to and with it.
local function read(entry)
  local at, cost, sum = string.match(entry, '^(%d+):(%d+):(%d+)$')
  return tonumber(at), tonumber(cost), tonumber(sum)
end

-- The window as a list of what was admitted, so that it is exact; the running sums spare adding it
-- up. Calls of one grain are one entry, at the time of the last: with a large limit a list would
-- have no bound.
local function sliding(key, limit, window, grain, cost)
  local first = redis.call('LINDEX', key, 0)
  while first do
    local at = read(first)
    if at + window > now then break end
    redis.call('LPOP', key)
    first = redis.call('LINDEX', key, 0)
  end

  local used, sum, newest, newest_cost = 0, 0, now - window, 0
  if first then
    local _, first_cost, first_sum = read(first)
    newest, newest_cost, sum = read(redis.call('LINDEX', key, -1))
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
      local entry = function(at, its_cost)
        return string.format('%.0f:%.0f:%.0f', at, its_cost, sum + cost)
      end

      if first and math.floor(newest / grain) == math.floor(now / grain) then
        redis.call('LSET', key, -1, entry(math.max(newest, now), newest_cost + cost))
      else
        redis.call('RPUSH', key, entry(now, cost))
      end
      local keep = math.ceil(window / 1000) + 1 + slack
      redis.call('PEXPIRE', key, string.format('%.0f', keep))
    end
  end
  return true, limit - used - cost, cost > 0 and window or newest + window - now, 0, commit
end

for at, key in ipairs(KEYS) do
  local argument = function(offset) return ARGV[(at - 1) * 5 + offset] end
  local decide = argument(1) == 'b' and bucket or sliding

  local admitted, remaining, reset, wait, commit = decide(key, tonumber(argument(2)),
    tonumber(argument(3)), tonumber(argument(4)), tonumber(argument(5)))
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
