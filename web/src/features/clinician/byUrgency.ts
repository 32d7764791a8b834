import type { ConsultationSummary, Urgency } from '../../api/types';

/** The most urgent first. */
export const URGENCIES: Urgency[] = ['emergency', 'urgent', 'routine', 'self_care'];

/** The most urgent first, of these the latest; of one urgency only, if it is named. */
export function byUrgency(
  items: readonly ConsultationSummary[],
  only?: Urgency,
): ConsultationSummary[] {
  const chosen = items.filter(({ urgency }) => !only || urgency === only);

  return chosen.sort(
    (a, b) =>
      URGENCIES.indexOf(a.urgency) - URGENCIES.indexOf(b.urgency) ||
      b.created_at.localeCompare(a.created_at),
  );
}
