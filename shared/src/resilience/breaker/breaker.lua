-- One circuit of the fleet: takes an environment's report in and answers with the whole state. What it does stands, step
-- for step, in machine.rs. `now` is set by what stands before this script: the server's time, in milliseconds.
--
-- KEYS[1] the circuit, a JSON document
-- ARGV    1 failures, 2 failure_rate, 3 slow_rate, 4 minimum_calls, 5 quorum,
--         6 window, 7 open, 8 reopen, 9 probe_lease, 10 ramp   (milliseconds)
--         11 who, 12-15 successes: epoch, calls, slow, age, 16-18 faults: epoch, calls, age,
--         19 probe's token, 20 its verdict, 21 cooldown, 22 token of the probe that is asked for, 23 whether it is urgent
local number = function(at) return tonumber(ARGV[at]) end
local window, quorum = number(6), number(5)
local raw = redis.call('GET', KEYS[1])
local known, state = pcall(cjson.decode, raw or '')
if not raw or not known or type(state) ~= 'table' or not state.slots then -- absent, or not ours: as new
  state = { phase = 'closed', epoch = 0, reason = '', since = 0, ['until'] = 0, probe = '', probe_until = 0,
            cooldown_until = 0, consecutive = 0, last_fault = 0, slots = {}, seen = {} }
end
local before, changed = state.phase, false

local function enter(phase, reason, length)
  state.phase, state.since, state['until'], state.reason, changed = phase, now, now + length, reason, true
end

local function begin_epoch()
  state.epoch = math.max(now, state.epoch + 1)
  state.consecutive, state.last_fault, state.probe, state.probe_until = 0, 0, '', 0
  state.slots, state.seen = {}, {}
end

local function slot(age)
  if age >= window or age > now then return nil end
  local at, length = now - age, math.max(math.floor(window / 10), 1)
  local start = string.format('%.0f', at - at % length)
  state.slots[start] = state.slots[start] or { 0, 0, 0 }
  changed = true
  return state.slots[start]
end

local function saw(at)
  if quorum > 1 then state.seen[ARGV[11]] = math.max(at, state.seen[ARGV[11]] or 0) end
end

local function trip()
  local ok, failed, slow, environments = 0, 0, 0, 0
  for _, s in pairs(state.slots) do ok, failed, slow = ok + s[1], failed + s[2], slow + s[3] end
  for _ in pairs(state.seen) do environments = environments + 1 end
  local calls, reason = ok + failed, nil
  if state.consecutive >= number(1) then reason = 'consecutive_faults'
  elseif calls >= number(4) and failed >= number(2) * calls then reason = 'failure_rate'
  elseif calls >= number(4) and slow >= number(3) * calls then reason = 'slow_calls' end
  if reason and (quorum <= 1 or environments >= quorum) then
    begin_epoch()
    enter('open', reason, number(7))
  end
end

local function counts(calls, epoch)
  return calls > 0 and (state.phase == 'closed' or state.phase == 'ramp') and epoch == state.epoch
end

if state.phase == 'ramp' and now >= state['until'] then enter('closed', 'recovered', 0) end
for start in pairs(state.slots) do
  if tonumber(start) + window <= now then state.slots[start] = nil end
end
for who, at in pairs(state.seen) do
  if at + window <= now then state.seen[who] = nil end
end

if counts(number(13), number(12)) then
  local s, at = slot(number(15)), now - number(15)
  if s then
    s[1], s[3] = s[1] + number(13), s[3] + number(14)
    if at > state.last_fault then state.consecutive = 0 end
    if number(14) > 0 then
      saw(at)
      trip()
    end
  end
end

if ARGV[19] ~= '' and state.phase == 'half_open' and state.probe == ARGV[19] then
  if ARGV[20] == 'good' then
    begin_epoch()
    enter('ramp', 'probe_succeeded', number(10))
  elseif ARGV[20] == 'bad' then
    begin_epoch()
    enter('open', 'probe_failed', number(8))
  else
    state.probe_until, changed = now, true
  end
end

if counts(number(17), number(16)) then
  local s, at = slot(number(18)), now - number(18)
  if s then
    s[2] = s[2] + number(17)
    state.consecutive = state.consecutive + number(17)
    state.last_fault = math.max(state.last_fault, at)
    saw(at)
    trip()
  end
end

if number(21) > 0 then
  -- Ten minutes at most, whatever a provider asks for.
  state.cooldown_until, changed = math.max(state.cooldown_until, now + math.min(number(21), 600000)), true
end

local granted = 0
if ARGV[22] ~= '' and now >= state.cooldown_until
  and ((state.phase == 'open' and (now >= state['until'] or (ARGV[23] == '1' and now >= state.since + number(8))))
    or (state.phase == 'half_open' and now >= state.probe_until)) then
  enter('half_open', state.reason, number(9))
  state.probe, state.probe_until, granted = ARGV[22], state['until'], 1
end

local text = cjson.encode(state)
if changed then
  -- Whatever is asked of a circuit is asked within this time; after it, the circuit is as new.
  local longest = math.max(window, number(7), number(8), number(9), number(10), state.cooldown_until - now)
  redis.call('SET', KEYS[1], text, 'PX', string.format('%.0f', 2 * longest + 60000))
end
return { string.format('%.0f', now), granted, before, text }
