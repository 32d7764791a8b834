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
--         22 token of the probe that is asked for, 23 whether it is urgent,
--         24 clients that were served, 25 clients whose calls failed or were slow (by commas)
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
for _, field in ipairs({ 'accused', 'served', 'suspects' }) do
  state[field] = state[field] or {}
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
  state.slots, state.seen, state.accused = {}, {}, {}
end

local max_suspects, max_clients = 4, 16

local function count(entries)
  local entries_found = 0
  for _ in pairs(entries) do entries_found = entries_found + 1 end
  return entries_found
end

local function names_in(list)
  local names = {}
  for name in string.gmatch(list, '[^,]+') do names[#names + 1] = name end
  return names
end
local served, accused = names_in(ARGV[24]), names_in(ARGV[25])

local function note_clients(known, clients, at)
  for _, client in ipairs(clients) do
    known[client] = math.max(at, known[client] or 0)
    if count(known) > max_clients then
      local oldest
      for name, noted in pairs(known) do
        local is_older = not oldest or noted < known[oldest]
        if is_older or (noted == known[oldest] and name < oldest) then oldest = name end
      end
      known[oldest] = nil
    end
  end
end

local function concerns(client)
  return next(state.suspects) == nil or state.suspects[client] ~= nil
end

local function concerns_all(clients)
  for _, client in ipairs(clients) do
    if not concerns(client) then return false end
  end
  return true
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

local function note_fault(at)
  if quorum > 1 then
    state.seen[ARGV[11]] = math.max(at, state.seen[ARGV[11]] or 0)
  end
  note_clients(state.accused, accused, at)
end

-- The clients for which the circuit opens; none if for all.
local function suspects_now()
  local suspects = {}
  for client, since in pairs(state.suspects) do suspects[client] = since end
  for client in pairs(state.accused) do suspects[client] = suspects[client] or now end

  local are_others_served = false
  for client in pairs(state.served) do
    are_others_served = are_others_served or suspects[client] == nil
  end
  local found = count(suspects)
  if found == 1 or (found > 1 and found <= max_suspects and are_others_served) then
    return suspects
  end
  return {}
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
  local reason = reason_to_open()

  if reason and (quorum <= 1 or count(state.seen) >= quorum) then
    state.suspects = suspects_now()
    begin_epoch()
    enter_phase('open', reason, number(7))
  end
end

local function is_relevant(calls, epoch, clients)
  local counts_calls = state.phase == 'closed' or state.phase == 'ramp'
    or not concerns_all(clients)
  return calls > 0 and counts_calls and epoch == state.epoch
end

-- Time passes.
if state.phase == 'ramp' and now >= state['until'] then
  enter_phase('closed', 'recovered', 0)
  state.suspects = {}
end
local has_suspects = next(state.suspects) ~= nil
if has_suspects and state.phase == 'open' and now >= state['until'] + window then
  enter_phase('closed', 'suspects_gone', 0)
  state.suspects = {}
end
for start in pairs(state.slots) do
  if tonumber(start) + window <= now then state.slots[start] = nil end
end
for _, times in ipairs({ state.seen, state.accused, state.served }) do
  for name, at in pairs(times) do
    if at + window <= now then times[name] = nil end
  end
end

-- Successes.
if is_relevant(number(13), number(12), served) then
  local slot, at = slot_of_age(number(15)), now - number(15)
  if slot then
    slot[1], slot[3] = slot[1] + number(13), slot[3] + number(14)
    if at > state.last_fault then state.consecutive = 0 end
    note_clients(state.served, served, at)
    if number(14) > 0 then
      note_fault(at)
      open_if_due()
    end
  end
end

-- A probe of a suspect says nothing of the others' calls, which go on being counted.
local function finish_probe()
  if next(state.suspects) == nil then
    begin_epoch()
  else
    state.probe, state.probe_until = '', 0
  end
end

-- The end of a probe.
if ARGV[19] ~= '' and state.phase == 'half_open' and state.probe == ARGV[19] then
  if ARGV[20] == 'succeeded' then
    finish_probe()
    enter_phase('ramp', 'probe_succeeded', number(10))
  elseif ARGV[20] == 'failed' then
    finish_probe()
    enter_phase('open', 'probe_failed', number(8))
  else
    state.probe_until, changed = now, true
  end
end

-- Faults.
if is_relevant(number(17), number(16), accused) then
  local slot, at = slot_of_age(number(18)), now - number(18)
  if slot then
    slot[2] = slot[2] + number(17)
    state.consecutive = state.consecutive + number(17)
    state.last_fault = math.max(state.last_fault, at)
    note_fault(at)
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
