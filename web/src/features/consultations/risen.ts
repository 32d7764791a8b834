import type { Urgency } from '../../api/types';

const RANKS: Record<Urgency, number> = { self_care: 0, routine: 1, urgent: 2, emergency: 3 };

/** Whether it is more urgent than it was; what was not known before has not risen. */
export function hasRisen(before: Urgency | undefined, now: Urgency | undefined): boolean {
  return before !== undefined && now !== undefined && RANKS[now] > RANKS[before];
}
