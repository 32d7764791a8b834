import type { HealthReport } from '../../api/types';

/** What is drawn: ten minutes. */
export const SPAN_MS = 10 * 60_000;

/** Without a report for so long, nothing is known of the time between. */
const GAP_MS = 15_000;

/** What is drawn of one report; undefined where it says nothing. */
export interface Sample {
  /** When it came, in milliseconds since 1970. */
  at: number;
  database: number | undefined;
  readers: number | undefined;
  valkey: number | undefined;
  jobs: number | undefined;
  dead_letters: number | undefined;
  memory: number | undefined;
}

/** In milliseconds, numbers of jobs, and percent. */
export function sampleOf({ details }: HealthReport, at: number): Sample {
  const { jobs, memory } = details ?? {};
  return {
    at,
    database: details?.database?.latency_ms,
    readers: details?.readers?.latency_ms,
    valkey: details?.valkey?.latency_ms,
    jobs: jobs?.unfinished,
    dead_letters: jobs ? jobs.failed + jobs.in_quarantine : undefined,
    memory: memory ? Math.round((memory.used_bytes / memory.total_bytes) * 100) : undefined,
  };
}

/** The samples with a new one behind them, and without those that are too old to be drawn. */
export function addSample(samples: Sample[], sample: Sample): Sample[] {
  return [...samples.filter(({ at }) => sample.at - at <= SPAN_MS), sample];
}

/** A value at a time. */
export interface Point {
  at: number;
  value: number | undefined;
}

/**
 * The line of these points in a box of this size, the newest one at its right. The box is ten minutes
 * wide and reaches from nothing to the largest value; where nothing is known the line has a gap.
 */
export function lineOf(points: Point[], width: number, height: number): string {
  const newest = points.at(-1)?.at ?? 0;
  const known = points.map(({ value }) => value).filter((value) => value !== undefined);
  const top = Math.max(1, ...known);

  let last: number | undefined;
  const parts = points.map(({ at, value }) => {
    if (value === undefined) {
      last = undefined;
      return '';
    }
    const x = round(width - ((newest - at) / SPAN_MS) * width);
    const isNext = last !== undefined && at - last <= GAP_MS;
    last = at;
    return `${isNext ? 'L' : 'M'}${x} ${round(height - (value / top) * height)}`;
  });
  return parts.join('');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
