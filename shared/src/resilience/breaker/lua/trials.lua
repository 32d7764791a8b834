-- Trials of those that are left out: what bar.rs does.
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

local function end_trial(token, result)
  local client = end_trial_of(token, result)
  if not client then return end

  local time = time_of(state.epoch, 1, 0)
  if not time then return end
  contradict_cooldowns(client, time.at)
  count_client(client, { 1, 0, 0 }, time)
  if time.at > state.last_fault then end_row() end
end
