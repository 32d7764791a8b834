-- The report is taken in: what state.rs does.

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
