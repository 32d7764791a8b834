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
