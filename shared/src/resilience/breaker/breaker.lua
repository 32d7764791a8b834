-- One circuit of the fleet: takes in an environment's report and answers with the whole state. It
-- does, step for step, what state.rs does. `now` is set by the lines that stand before this script:
-- the server's time, in milliseconds.
--
-- KEYS[1] the circuit, a JSON document
-- ARGV    1 failures, 2 failure_rate, 3 slow_rate, 4 minimum_calls, 5 quorum,
--         6 window, 7 open, 8 reopen, 9 probe_lease, 10 ramp   (milliseconds)
--         11 environment, 12-15 successes: epoch, calls, slow, age,
--         16-18 faults: epoch, calls, age,
--         19 token of the probe that ended, 20 its result, 21 cooldown,
--         22 token of the probe that is asked for, 23 whether it is urgent
local number = function(at) return tonumber(ARGV[at]) end
local window, quorum = number(6), number(5)

local raw = redis.call('GET', KEYS[1])
local known, state = pcall(cjson.decode, raw or '')
if not raw or not known or type(state) ~= 'table' or not state.slots then
  -- Absent, or not ours: the circuit is as new.
  state = {
    phase = 'closed', epoch = 0, reason = '', since = 0, ['until'] = 0,
    probe = '', probe_until = 0, cooldown_until = 0,
    consecutive = 0, last_fault = 0, slots = {}, seen = {},
  }
end
local previous_phase, changed = state.phase, false

local function enter_phase(phase, reason, length)
  state.phase, state.reason = phase, reason
  state.since, state['until'] = now, now + length
  changed = true
end

local function begin_epoch()
  state.epoch = math.max(now, state.epoch + 1)
  state.consecutive, state.last_fault = 0, 0
  state.probe, state.probe_until = '', 0
  state.slots, state.seen = {}, {}
end

-- A slot is { successes, failures, slow }.
local function slot_of_age(age)
  if age >= window or age > now then return nil end

  local at, slot_length = now - age, math.max(math.floor(window / 10), 1)
  local start = string.format('%.0f', at - at % slot_length)
  state.slots[start] = state.slots[start] or { 0, 0, 0 }
  changed = true
  return state.slots[start]
end

local function note_environment(at)
  if quorum > 1 then
    state.seen[ARGV[11]] = math.max(at, state.seen[ARGV[11]] or 0)
  end
end

local function reason_to_open()
  local successes, failures, slow = 0, 0, 0
  for _, slot in pairs(state.slots) do
    successes, failures, slow = successes + slot[1], failures + slot[2], slow + slot[3]
  end

  local calls = successes + failures
  local is_enough = calls >= number(4)
  if state.consecutive >= number(1) then return 'consecutive_faults' end
  if is_enough and failures >= number(2) * calls then return 'failure_rate' end
  if is_enough and slow >= number(3) * calls then return 'slow_calls' end
  return nil
end

local function open_if_due()
  local reason, environments = reason_to_open(), 0
  for _ in pairs(state.seen) do environments = environments + 1 end

  if reason and (quorum <= 1 or environments >= quorum) then
    begin_epoch()
    enter_phase('open', reason, number(7))
  end
end

local function is_relevant(calls, epoch)
  local counts_calls = state.phase == 'closed' or state.phase == 'ramp'
  return calls > 0 and counts_calls and epoch == state.epoch
end

-- Time passes.
if state.phase == 'ramp' and now >= state['until'] then
  enter_phase('closed', 'recovered', 0)
end
for start in pairs(state.slots) do
  if tonumber(start) + window <= now then state.slots[start] = nil end
end
for environment, at in pairs(state.seen) do
  if at + window <= now then state.seen[environment] = nil end
end

-- Successes.
if is_relevant(number(13), number(12)) then
  local slot, at = slot_of_age(number(15)), now - number(15)
  if slot then
    slot[1], slot[3] = slot[1] + number(13), slot[3] + number(14)
    if at > state.last_fault then state.consecutive = 0 end
    if number(14) > 0 then
      note_environment(at)
      open_if_due()
    end
  end
end

-- The end of a probe.
if ARGV[19] ~= '' and state.phase == 'half_open' and state.probe == ARGV[19] then
  if ARGV[20] == 'succeeded' then
    begin_epoch()
    enter_phase('ramp', 'probe_succeeded', number(10))
  elseif ARGV[20] == 'failed' then
    begin_epoch()
    enter_phase('open', 'probe_failed', number(8))
  else
    state.probe_until, changed = now, true
  end
end

-- Faults.
if is_relevant(number(17), number(16)) then
  local slot, at = slot_of_age(number(18)), now - number(18)
  if slot then
    slot[2] = slot[2] + number(17)
    state.consecutive = state.consecutive + number(17)
    state.last_fault = math.max(state.last_fault, at)
    note_environment(at)
    open_if_due()
  end
end

-- A cooldown, which was bounded before it was sent.
if number(21) > 0 then
  local cooldown_until = now + number(21)
  state.cooldown_until = math.max(state.cooldown_until, cooldown_until)
  changed = true
end

-- The probe that is asked for.
local is_granted = 0
if ARGV[22] ~= '' and now >= state.cooldown_until then
  local is_urgent = ARGV[23] == '1' and now >= state.since + number(8)
  local is_due = (state.phase == 'open' and (now >= state['until'] or is_urgent))
    or (state.phase == 'half_open' and now >= state.probe_until)
  if is_due then
    enter_phase('half_open', state.reason, number(9))
    state.probe, state.probe_until, is_granted = ARGV[22], state['until'], 1
  end
end

local text = cjson.encode(state)
if changed then
  -- Every question to a circuit comes within this time; after it, the circuit is as new.
  local longest = math.max(
    window, number(7), number(8), number(9), number(10), state.cooldown_until - now
  )
  redis.call('SET', KEYS[1], text, 'PX', string.format('%.0f', 2 * longest + 60000))
end
return { string.format('%.0f', now), is_granted, previous_phase, text }
