-- One circuit of the fleet: takes in an environment's report and answers with the whole state. It
-- does, step for step, what state.rs, clients.rs, verdict.rs, bar.rs and cooldowns.rs do. `now` is
-- set by the lines that stand before this script: the server's time, in milliseconds.
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

-- Clients: what clients.rs does.
local function forgive(user)
  user.rows, user.slots = { 0, 0, 0 }, without_bad_calls(user.slots)
end

local function end_row()
  state.unattributed_row = 0
  for _, user in pairs(state.clients.users) do user.rows[3] = 0 end
end

local function remember_bad(client, calls)
  if calls[2] + calls[3] == 0 then return end
  local tenants, users, tenant = state.clients.tenants, state.clients.users, tenant_of(client)
  tenants[tenant] = tenants[tenant] or { slots = {}, last_fault = 0, at = 0 }
  users[client] = users[client] or { rows = { 0, 0, 0 }, slots = {}, last_fault = 0, at = 0 }
end

local function count_client(client, calls, time)
  local successes, failures, slow = calls[1], calls[2], calls[3]
  if successes + failures == 0 then return end

  local tenants, users, tenant_name = state.clients.tenants, state.clients.users, tenant_of(client)
  local tenant, user = tenants[tenant_name], users[client]
  if not tenant then
    add_calls(state.slots, time.slot, successes, failures, slow)
    return
  end

  tenant.at = now
  local ends_row = successes > 0 and time.at > tenant.last_fault
  if failures > 0 then tenant.last_fault = math.max(tenant.last_fault, time.at) end
  if user then
    user.at = now
    add_calls(user.slots, time.slot, successes, failures, slow)
    if successes > 0 and time.at > user.last_fault then user.rows[1] = 0 end
    if failures > 0 then
      for row = 1, 3 do user.rows[row] = user.rows[row] + failures end
      user.last_fault = math.max(user.last_fault, time.at)
    end
  else
    add_calls(tenant.slots, time.slot, successes, failures, slow)
  end

  if ends_row then
    for name, other in pairs(users) do
      if tenant_of(name) == tenant_name then other.rows[2] = 0 end
    end
  end
end

local function keep_bar(owner)
  local bar = owner.bar
  if bar and math.max(owner.at, bar['until']) + window <= now then owner.bar = nil end
end

local function forget_clients()
  local tenants, users, has_users = state.clients.tenants, state.clients.users, {}
  for name, user in pairs(users) do
    local tenant_name = tenant_of(name)
    local tenant = tenants[tenant_name]
    forget_slots(user.slots)
    if user.last_fault + window <= now then user.rows[1] = 0 end
    if not tenant or tenant.last_fault + window <= now then user.rows[2] = 0 end
    keep_bar(user)

    local sum = sum_of(user.slots)
    local marks = user.rows[1] + user.rows[2] + user.rows[3] + sum[2] + sum[3]
    if not user.bar and marks == 0 then
      if tenant then take_over(tenant.slots, user.slots) end
      users[name] = nil
    else
      has_users[tenant_name] = true
    end
  end

  for name, tenant in pairs(tenants) do
    forget_slots(tenant.slots)
    keep_bar(tenant)
    local sum = sum_of(tenant.slots)
    if not has_users[name] and not tenant.bar and sum[2] + sum[3] == 0 then
      take_over(state.slots, tenant.slots)
      tenants[name] = nil
    end
  end
end

-- Whether one comes before another: by its bar, by time, by name.
local function comes_first(one, other)
  if one.barred ~= other.barred then return not one.barred end
  if one.at ~= other.at then return one.at < other.at end
  return one.name < other.name
end

-- The tenant of which most names are there.
local function largest_tenant(names)
  local counts, largest = {}, nil
  for name in pairs(names) do
    local tenant = tenant_of(name)
    counts[tenant] = (counts[tenant] or 0) + 1
  end
  for tenant, count in pairs(counts) do
    local most = largest and counts[largest]
    if not largest or count > most or (count == most and tenant < largest) then
      largest = tenant
    end
  end
  return largest
end

local function bound_users()
  local tenants, users = state.clients.tenants, state.clients.users
  for _ = MAX_USERS + 1, size_of(users) do
    local largest, first = largest_tenant(users), nil
    for name, user in pairs(users) do
      local barred = user.bar ~= nil
      if tenant_of(name) == largest then
        local one = { barred = barred, at = user.at, name = name }
        if not first or comes_first(one, first) then first = one end
      end
    end
    local tenant = tenants[largest]
    if tenant then take_over(tenant.slots, users[first.name].slots) end
    users[first.name] = nil
  end
end

local function bound_tenants()
  local tenants, users = state.clients.tenants, state.clients.users
  for _ = MAX_TENANTS + 1, size_of(tenants) do
    local has_barred, first = {}, nil
    for name, user in pairs(users) do
      if user.bar then has_barred[tenant_of(name)] = true end
    end
    for name, tenant in pairs(tenants) do
      local barred = tenant.bar ~= nil or has_barred[name] == true
      local one = { barred = barred, at = tenant.at, name = name }
      if not first or comes_first(one, first) then first = one end
    end
    for name, user in pairs(users) do
      if tenant_of(name) == first.name then
        take_over(state.slots, user.slots)
        users[name] = nil
      end
    end
    take_over(state.slots, tenants[first.name].slots)
    tenants[first.name] = nil
  end
end

-- Verdicts: what verdict.rs does.
local function excessive_share(calls)
  local all = calls[1] + calls[2]
  local exceeds = function(rate, part) return all >= number(4) and part >= rate * all end
  if exceeds(number(2), calls[2]) then return 'failure_rate' end
  if exceeds(number(3), calls[3]) then return 'slow_calls' end
  return nil
end

local function is_shared_row(all, longest)
  return all >= number(1) and all - longest >= math.ceil(number(1) / 2)
end

local function sum_without_worst(parts)
  local sum, worst, worst_name = { 0, 0, 0 }, nil, nil
  for name, calls in pairs(parts) do
    sum = plus(sum, calls)
    local bad, most = math.max(calls[2], calls[3]), worst and math.max(worst[2], worst[3])
    if not worst or bad > most or (bad == most and name > worst_name) then
      worst, worst_name = calls, name
    end
  end
  if not worst then return sum end
  return { sum[1] - worst[1], sum[2] - worst[2], sum[3] - worst[3] }
end

local function new_bar()
  return {
    since = now, ['until'] = now + number(7),
    trial = '', trial_until = 0, trial_user = '', failed_user = '',
  }
end

local function is_tenant_failing(tenant_name, tenant)
  local all, longest, parts = 0, 0, {}
  for name, user in pairs(state.clients.users) do
    if tenant_of(name) == tenant_name then
      all, longest = all + user.rows[2], math.max(longest, user.rows[2])
      if not user.bar then parts[name] = sum_of(user.slots) end
    end
  end
  if is_shared_row(all, longest) then return true end
  return excessive_share(plus(sum_without_worst(parts), sum_of(tenant.slots))) ~= nil
end

local function bar_failing()
  for name in pairs(counts_of) do
    local user = state.clients.users[name]
    if user and not user.bar then
      local is_failing = user.rows[1] >= number(1) or excessive_share(sum_of(user.slots))
      if is_failing then user.bar, new_user_bars = new_bar(), new_user_bars + 1 end
    end
  end
  for name in pairs(counts_of) do
    local tenant_name = tenant_of(name)
    local tenant = state.clients.tenants[tenant_name]
    if tenant and not tenant.bar and is_tenant_failing(tenant_name, tenant) then
      tenant.bar, new_tenant_bars = new_bar(), new_tenant_bars + 1
    end
  end
end

local function reason_to_open()
  local rows, parts = {}, {}
  for name, tenant in pairs(state.clients.tenants) do
    rows[name] = 0
    if not tenant.bar then parts[name] = sum_of(tenant.slots) end
  end
  for name, user in pairs(state.clients.users) do
    local tenant = tenant_of(name)
    if rows[tenant] then rows[tenant] = rows[tenant] + user.rows[3] end
    if parts[tenant] and not user.bar then
      parts[tenant] = plus(parts[tenant], sum_of(user.slots))
    end
  end

  local all, longest = state.unattributed_row, 0
  for _, row in pairs(rows) do all, longest = all + row, math.max(longest, row) end
  if is_shared_row(all, longest) then return 'consecutive_faults' end
  return excessive_share(plus(sum_without_worst(parts), sum_of(state.slots)))
end

local function judge(are_bad, at)
  bar_failing()
  bound_users()
  bound_tenants()
  if not are_bad then return end

  if quorum > 1 then state.seen[ARGV[11]] = math.max(at, state.seen[ARGV[11]] or 0) end
  local reason = reason_to_open()
  if reason and (quorum <= 1 or size_of(state.seen) >= quorum) then
    begin_epoch()
    enter_phase('open', reason, number(7))
  end
end

-- When calls ended, if they still say something about this circuit.
local function time_of(epoch, calls, age)
  local is_relevant = calls > 0 and counts_calls() and epoch == state.epoch
  if not is_relevant or age >= window or age > now then return nil end

  local at, slot_length = now - age, math.max(math.floor(window / 5), 1)
  changed = true
  return { at = at, slot = string.format('%.0f', at - at % slot_length) }
end

-- Counts the calls of each client, and the others of all. Returns the latter.
local function count_calls(time, all, calls_of)
  for client, counts in pairs(counts_of) do remember_bad(client, calls_of(counts)) end
  for client, counts in pairs(counts_of) do
    local calls = calls_of(counts)
    for at = 1, 3 do all[at] = math.max(all[at] - calls[at], 0) end
    count_client(client, calls, time)
  end
  add_calls(state.slots, time.slot, all[1], all[2], all[3])
  return all
end

local function trial_at(bar, client, is_urgent)
  local due_at = bar['until']
  if client == bar.failed_user then
    due_at = bar.since + number(7)
  elseif is_urgent then
    due_at = math.min(due_at, bar.since + number(8))
  end

  local busy_until = 0
  if bar.trial ~= '' then
    busy_until = bar.trial_until
    if client ~= bar.trial_user then
      local began_at = math.max(bar.trial_until - number(9), 0)
      busy_until = math.min(busy_until, began_at + number(8))
    end
  end
  return math.max(due_at, busy_until)
end

local function bar_of(client)
  local tenant, user = state.clients.tenants[tenant_of(client)], state.clients.users[client]
  return (tenant and tenant.bar) or (user and user.bar)
end

local function fail_trial(owner, result)
  local bar = owner.bar
  local prober = bar.trial_user
  owner.at, bar.trial, bar.trial_until, bar.trial_user = now, '', 0, ''
  if result == 'failed' then bar.since, bar['until'] = now, now + number(8) end
  return prober
end

-- Whose trial succeeded, if it did.
local function end_trial_of(token, result)
  local tenants, users = state.clients.tenants, state.clients.users
  for name, user in pairs(users) do
    if user.bar and user.bar.trial == token then
      changed = true
      if result ~= 'succeeded' then
        fail_trial(user, result)
        return nil
      end
      user.bar = nil
      forgive(user)
      return name
    end
  end

  for name, tenant in pairs(tenants) do
    if tenant.bar and tenant.bar.trial == token then
      changed = true
      if result ~= 'succeeded' then
        local prober = fail_trial(tenant, result)
        if result == 'failed' then tenant.bar.failed_user = prober end
        return nil
      end
      local prober = tenant.bar.trial_user
      tenant.bar, tenant.slots = nil, without_bad_calls(tenant.slots)
      for user_name, user in pairs(users) do
        if user_name == prober then user.bar = nil end
        if tenant_of(user_name) == name and not user.bar then forgive(user) end
      end
      return prober
    end
  end
  return nil
end

-- Cooldowns, each { own end, end in its tenant, end among all, when it was asked for }.
local function contradict_cooldowns(client, at)
  for name, cooldown in pairs(state.cooldowns) do
    if name ~= client and at > cooldown[4] then
      cooldown[3] = 0
      if tenant_of(name) == tenant_of(client) then cooldown[2] = 0 end
    end
  end
end

local function end_trial(token, result)
  local client = end_trial_of(token, result)
  if not client then return end

  local time = time_of(state.epoch, 1, 0)
  if not time then return end
  contradict_cooldowns(client, time.at)
  count_client(client, { 1, 0, 0 }, time)
  if time.at > state.last_fault then end_row() end
end

-- What two cooldowns agree on.
local function second_largest(ends)
  local largest, second = 0, 0
  for _, at in pairs(ends) do
    second = math.max(second, math.min(at, largest))
    largest = math.max(largest, at)
  end
  return second
end

-- Until when a client is to leave the provider alone by what its tenant was told, and all are.
local function cooldown_ends(client)
  local tenant_name, of_tenant, by_tenant = tenant_of(client), {}, {}
  for name, cooldown in pairs(state.cooldowns) do
    local tenant = tenant_of(name)
    by_tenant[tenant] = math.max(by_tenant[tenant] or 0, cooldown[3])
    if tenant == tenant_name then of_tenant[name] = cooldown[2] end
  end
  local own = state.cooldowns[client]
  local own_end = math.max(own and own[1] or 0, second_largest(of_tenant))
  return math.max(state.cooldown_until, own_end), second_largest(by_tenant)
end

local function extend_cooldown(client, millis)
  if millis <= 0 then return end
  changed = true
  if client == '' then
    state.cooldown_until = math.max(state.cooldown_until, now + millis)
    return
  end

  local cooldown = state.cooldowns[client] or { 0, 0, 0, 0 }
  for at = 1, 3 do cooldown[at] = math.max(cooldown[at], now + millis) end
  cooldown[4], state.cooldown_probe_at = now, now + number(8)
  state.cooldowns[client] = cooldown
end

local function bound_cooldowns()
  for _ = MAX_COOLDOWNS + 1, size_of(state.cooldowns) do
    local largest, first = largest_tenant(state.cooldowns), nil
    for name, cooldown in pairs(state.cooldowns) do
      if tenant_of(name) == largest then
        local one = { barred = false, at = cooldown[1], name = name }
        if not first or comes_first(one, first) then first = one end
      end
    end
    state.cooldowns[first.name] = nil
  end
end

-- Time passes.
if state.phase == 'ramp' and now >= state['until'] then
  enter_phase('closed', 'recovered', 0)
end
for client, cooldown in pairs(state.cooldowns) do
  if cooldown[1] <= now then state.cooldowns[client] = nil end
end
for environment, at in pairs(state.seen) do
  if at + window <= now then state.seen[environment] = nil end
end
forget_slots(state.slots)
if state.last_fault + window <= now then end_row() end
forget_clients()

-- Successes.
local time = time_of(number(12), number(13), number(15))
if time then
  local unattributed = count_calls(time, { number(13), 0, number(14) }, function(counts)
    return { counts[1], 0, counts[2] }
  end)
  for client, counts in pairs(counts_of) do
    if counts[1] > 0 then contradict_cooldowns(client, time.at) end
  end
  if unattributed[1] > 0 then contradict_cooldowns('', time.at) end
  if time.at > state.last_fault then end_row() end
  judge(number(14) > 0, time.at)
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
    state.failed_prober = state.probe_tenant
    begin_epoch()
    enter_phase('open', 'probe_failed', number(8))
  else
    state.probe_until, changed = now, true
  end
end

-- Faults.
time = time_of(number(16), number(17), number(18))
if time then
  local unattributed = count_calls(time, { 0, number(17), 0 }, function(counts)
    return { 0, counts[3], 0 }
  end)
  state.unattributed_row = state.unattributed_row + unattributed[2]
  state.last_fault = math.max(state.last_fault, time.at)
  judge(true, time.at)
end

-- Cooldowns, which were bounded before they were sent.
for client, millis in pairs(cjson.decode(ARGV[21])) do extend_cooldown(client, millis) end
bound_cooldowns()

-- The probe that is asked for.
local is_granted, asker = 0, ARGV[24]
local own_end, end_for_all = cooldown_ends(asker)
if ARGV[22] ~= '' and now >= own_end then
  local is_urgent, reopen_at = ARGV[23] == '1', state.since + number(8)
  local bar = bar_of(asker)
  if counts_calls() and not bar then
    if asker ~= '' and now < end_for_all and now >= state.cooldown_probe_at then
      state.cooldown_probe_at = now + number(8)
      is_granted, changed = 1, true
    end
  elseif now < end_for_all then
    -- All leave it alone.
  elseif counts_calls() then
    if now >= trial_at(bar, asker, is_urgent) then
      bar.trial, bar.trial_user, bar.trial_until = ARGV[22], asker, now + number(9)
      is_granted, changed = 1, true
    end
  else
    local is_due, tenant = false, tenant_of(asker)
    if state.phase == 'open' and asker ~= '' and tenant == state.failed_prober then
      is_due = now >= state.since + number(7)
    elseif state.phase == 'open' then
      is_due = now >= state['until'] or (is_urgent and now >= reopen_at)
    else
      local is_anothers = asker ~= '' and tenant ~= state.probe_tenant
      is_due = now >= state.probe_until or (is_anothers and now >= reopen_at)
    end
    if is_due then
      enter_phase('half_open', state.reason, number(9))
      state.probe, state.probe_tenant = ARGV[22], tenant
      state.probe_until, is_granted = state['until'], 1
    end
  end
end

local text = cjson.encode(state)
if changed then
  -- Every question to a circuit comes within this time; after it, the circuit is as new.
  local last_cooldown = state.cooldown_until
  for _, cooldown in pairs(state.cooldowns) do
    last_cooldown = math.max(last_cooldown, cooldown[1])
  end
  local longest = math.max(
    window, number(7), number(8), number(9), number(10), last_cooldown - now
  )
  redis.call('SET', KEYS[1], text, 'PX', string.format('%.0f', 2 * longest + 60000))
end
return {
  string.format('%.0f', now), is_granted, previous_phase, text, new_user_bars, new_tenant_bars,
}
