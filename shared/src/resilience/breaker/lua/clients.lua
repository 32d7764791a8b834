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
