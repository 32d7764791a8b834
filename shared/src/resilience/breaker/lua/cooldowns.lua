-- Cooldowns: what cooldowns.rs does. Each is { own end, end in its tenant, end among all, when it
-- was asked for }.
local function contradict_cooldowns(client, at)
  for name, cooldown in pairs(state.cooldowns) do
    if name ~= client and at > cooldown[4] then
      cooldown[3] = 0
      if tenant_of(name) == tenant_of(client) then cooldown[2] = 0 end
    end
  end
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
