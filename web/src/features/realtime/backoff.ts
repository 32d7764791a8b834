const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/**
 * The pause before the next try, after `failures` in a row: twice as long each time, and somewhere
 * in its upper half, so that many clients do not come back at once.
 */
export function pauseAfter(failures: number, random: () => number = Math.random): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 16));
  return Math.round(longest * (0.5 + random() / 2));
}
