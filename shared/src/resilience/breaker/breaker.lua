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
--         22 token of the probe that is asked for, 23 whether it is urgent, 24 whose it would be,
--         25 calls of each client: { name: [successes, slow, faults] } as JSON
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
state.clients = state.clients or {}
state.probe_client, state.failed_prober = state.probe_client or '', state.failed_prober or ''
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
  state.probe_client = ''
  state.slots, state.seen, state.clients = {}, {}, {}
end

local function counts_calls() return state.phase == 'closed' or state.phase == 'ramp' end

local function exceeds_rate(rate, part, calls)
  return calls >= number(4) and part >= rate * calls
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

-- Clients that are left out do not count, and the worst of the others for itself alone.
local function reason_to_open()
  local successes, failures, slow = 0, 0, 0
  for _, slot in pairs(state.slots) do
    successes, failures, slow = successes + slot[1], failures + slot[2], slow + slot[3]
  end

  local function leave_out(client)
    successes = math.max(successes - client.successes, 0)
    failures = math.max(failures - client.faults, 0)
    slow = math.max(slow - client.slow, 0)
  end
  local barred_row, longest_row, worst, worst_name = 0, 0, nil, nil
  for name, client in pairs(state.clients) do
    if client.bar then
      barred_row = barred_row + client.row
      leave_out(client)
    else
      longest_row = math.max(longest_row, client.row)
      local bad = math.max(client.faults, client.slow)
      local known = worst and math.max(worst.faults, worst.slow)
      if not worst or bad > known or (bad == known and name > worst_name) then
        worst, worst_name = client, name
      end
    end
  end
  if worst then leave_out(worst) end

  local row = math.max(state.consecutive - barred_row, 0)
  local others_row = math.max(row - longest_row, 0)
  if row >= number(1) and others_row >= math.ceil(number(1) / 2) then
    return 'consecutive_faults'
  end
  local calls = successes + failures
  if exceeds_rate(number(2), failures, calls) then return 'failure_rate' end
  if exceeds_rate(number(3), slow, calls) then return 'slow_calls' end
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
  return calls > 0 and counts_calls() and epoch == state.epoch
end

-- What client.rs does.
local function count_client(client, successes, slow, faults)
  if now >= client.since + window then
    client.since, client.successes, client.slow, client.faults = now, 0, 0, 0
  end
  client.at = now
  client.successes, client.slow = client.successes + successes, client.slow + slow
  client.faults = client.faults + faults
  if successes > 0 then client.row = 0 end
  client.row = client.row + faults

  local calls = client.successes + client.faults
  local is_failing = client.row >= number(1)
    or exceeds_rate(number(2), client.faults, calls)
    or exceeds_rate(number(3), client.slow, calls)
  if not client.bar and is_failing then
    client.bar = { since = now, ['until'] = now + number(7), trial = '', trial_until = 0 }
  end
end

local function add_clients()
  local takes_successes = is_relevant(number(13), number(12))
  local takes_faults = is_relevant(number(17), number(16)) and number(18) < window
  for name, counts in pairs(cjson.decode(ARGV[25])) do
    local successes = takes_successes and counts[1] or 0
    local slow = takes_successes and counts[2] or 0
    local faults = takes_faults and counts[3] or 0
    if successes + faults > 0 then
      state.clients[name] = state.clients[name]
        or { row = 0, faults = 0, successes = 0, slow = 0, since = 0, at = 0 }
      count_client(state.clients[name], successes, slow, faults)
      changed = true
    end
  end

  local known = 0
  for _ in pairs(state.clients) do known = known + 1 end
  while known > 16 do
    local oldest
    for name, client in pairs(state.clients) do
      local at = oldest and state.clients[oldest].at
      if not oldest or client.at < at or (client.at == at and name < oldest) then oldest = name end
    end
    state.clients[oldest], known = nil, known - 1
  end
end

local function wants_trial(client, is_urgent)
  local bar = client and client.bar
  if not bar then return false end
  local is_due = now >= bar['until'] or (is_urgent and now >= bar.since + number(8))
  return is_due and (bar.trial == '' or now >= bar.trial_until)
end

local function end_trial(token, result)
  for name, client in pairs(state.clients) do
    local bar = client.bar
    if bar and bar.trial == token then
      changed = true
      if result == 'succeeded' then
        state.clients[name] = nil
      else
        client.at, bar.trial, bar.trial_until = now, '', 0
        if result == 'failed' then bar.since, bar['until'] = now, now + number(8) end
      end
      return
    end
  end
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
for name, client in pairs(state.clients) do
  local barred_until = client.bar and client.bar['until'] or 0
  if math.max(client.at, barred_until) <= math.max(now - window, 0) then
    state.clients[name] = nil
  end
end
add_clients()

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
local is_probe = state.phase == 'half_open' and state.probe == ARGV[19]
if ARGV[19] ~= '' and not is_probe then end_trial(ARGV[19], ARGV[20]) end
if ARGV[19] ~= '' and is_probe then
  if ARGV[20] == 'succeeded' then
    state.failed_prober = ''
    begin_epoch()
    enter_phase('ramp', 'probe_succeeded', number(10))
  elseif ARGV[20] == 'failed' then
    state.failed_prober = state.probe_client
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
  local is_urgent, client, reopen_at = ARGV[23] == '1', ARGV[24], state.since + number(8)
  if counts_calls() then
    if wants_trial(state.clients[client], is_urgent) then
      local bar = state.clients[client].bar
      bar.trial, bar.trial_until, is_granted = ARGV[22], now + number(9), 1
      changed = true
    end
  else
    local is_due
    if state.phase == 'open' and client ~= '' and client == state.failed_prober then
      is_due = now >= state.since + number(7)
    elseif state.phase == 'open' then
      is_due = now >= state['until'] or (is_urgent and now >= reopen_at)
    else
      local is_anothers = client ~= '' and client ~= state.probe_client
      is_due = now >= state.probe_until or (is_anothers and now >= reopen_at)
    end
    if is_due then
      enter_phase('half_open', state.reason, number(9))
      state.probe, state.probe_client = ARGV[22], client
      state.probe_until, is_granted = state['until'], 1
    end
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
