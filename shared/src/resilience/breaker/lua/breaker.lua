-- One circuit of the fleet: takes in an environment's report and answers with the whole state. It
-- does, step for step, what the state machine in Rust does. Its parts are joined in the order
-- breaker, clients, verdict, cooldowns, trials, report. `now` is set by the lines that stand before
-- them: the server's time, in milliseconds.
--
-- KEYS[1] the circuit, a JSON document
-- ARGV    1 failures, 2 failure_rate, 3 slow_rate, 4 minimum_calls, 5 quorum,
--         6 window, 7 open, 8 reopen, 9 probe_lease, 10 ramp   (milliseconds)
--         11 environment, 12-15 successes: epoch, calls, slow, age,
--         16-18 faults: epoch, calls, age,
--         19 token of the probe that ended, 20 its result,
--         21 milliseconds of each client's cooldown: { name: milliseconds } as JSON,
--         22 token of the probe that is asked for, 23 whether it is urgent, 24 whose it would be,
--         25 calls of each client: { name: [successes, slow, faults] } as JSON
local number = function(at) return tonumber(ARGV[at]) end
local window, quorum = number(6), number(5)
local MAX_TENANTS, MAX_USERS, MAX_COOLDOWNS = 16, 16, 32

local raw = redis.call('GET', KEYS[1])
local known, state = pcall(cjson.decode, raw or '')
if not raw or not known or type(state) ~= 'table' or not state.slots or not state.cooldowns then
  -- Absent, or not ours: the circuit is as new.
  state = {
    phase = 'closed', epoch = 0, reason = '', since = 0, ['until'] = 0,
    probe = '', probe_until = 0, probe_tenant = '', failed_prober = '',
    cooldown_until = 0, cooldowns = {}, cooldown_probe_at = 0, unattributed_row = 0, last_fault = 0,
    slots = {}, seen = {}, clients = { tenants = {}, users = {} },
  }
end
local previous_phase, changed = state.phase, false
local new_user_bars, new_tenant_bars = 0, 0
local counts_of = cjson.decode(ARGV[25])

local function tenant_of(client) return string.match(client, '^[^/]*') end

local function size_of(map)
  local size = 0
  for _ in pairs(map) do size = size + 1 end
  return size
end

local function enter_phase(phase, reason, length)
  state.phase, state.reason = phase, reason
  state.since, state['until'] = now, now + length
  changed = true
end

local function begin_epoch()
  state.epoch = math.max(now, state.epoch + 1)
  state.unattributed_row, state.last_fault = 0, 0
  state.probe, state.probe_until, state.probe_tenant = '', 0, ''
  state.slots, state.seen, state.clients = {}, {}, { tenants = {}, users = {} }
end

local function counts_calls() return state.phase == 'closed' or state.phase == 'ramp' end

-- Windows: slots of { successes, failures, slow } by their start.
local function add_calls(slots, start, successes, failures, slow)
  if successes + failures == 0 then return end
  local slot = slots[start] or { 0, 0, 0 }
  slots[start] = { slot[1] + successes, slot[2] + failures, slot[3] + slow }
end

local function sum_of(slots)
  local sum = { 0, 0, 0 }
  for _, slot in pairs(slots) do
    sum[1], sum[2], sum[3] = sum[1] + slot[1], sum[2] + slot[2], sum[3] + slot[3]
  end
  return sum
end

local function plus(one, other)
  return { one[1] + other[1], one[2] + other[2], one[3] + other[3] }
end

local function forget_slots(slots)
  for start in pairs(slots) do
    if tonumber(start) + window <= now then slots[start] = nil end
  end
end

local function take_over(slots, others)
  for start, slot in pairs(others) do add_calls(slots, start, slot[1], slot[2], slot[3]) end
end

local function without_bad_calls(slots)
  local fast = {}
  for start, slot in pairs(slots) do
    add_calls(fast, start, math.max(slot[1] - slot[3], 0), 0, 0)
  end
  return fast
end
