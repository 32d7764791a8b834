import type { ConsultationSummary, Page } from '../../api/types';

/** Between two looks at a list in which something is being made: nothing else tells of its end. */
const LOOK_MS = 5_000;

interface Entry {
  data?: { pages: Page<Pick<ConsultationSummary, 'status'>>[] } | undefined;
}

/**
 * Milliseconds until a list of one's own is read again, or 0 if nothing in it will change by itself.
 * A look reads all its pages: however many they are, it is twelve calls in a minute.
 */
export function lookAgainAfter({ data }: Entry): number {
  const pages = data?.pages ?? [];
  const isWaiting = pages.some(({ items }) => items.some(({ status }) => status === 'processing'));
  return isWaiting ? LOOK_MS * pages.length : 0;
}
