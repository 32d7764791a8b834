import type { HealthReport } from '../../api/types';

/** Reports that are kept: ten minutes of them, one each five seconds. */
export const MAX_SAMPLES = 120;

/** What is drawn of one report; undefined where it says nothing. */
export interface Sample {
  database: number | undefined;
  readers: number | undefined;
  valkey: number | undefined;
  jobs: number | undefined;
  dead_letters: number | undefined;
  memory: number | undefined;
}

/** In milliseconds, numbers of jobs, and percent. */
export function sampleOf({ details }: HealthReport): Sample {
  const { jobs, memory } = details ?? {};
  return {
    database: details?.database?.latency_ms,
    readers: details?.readers?.latency_ms,
    valkey: details?.valkey?.latency_ms,
    jobs: jobs?.unfinished,
    dead_letters: jobs ? jobs.failed + jobs.in_quarantine : undefined,
    memory: memory ? Math.round((memory.used_bytes / memory.total_bytes) * 100) : undefined,
  };
}

/** The samples with a new one behind them, and without the oldest if there are too many. */
export function addSample(samples: Sample[], sample: Sample): Sample[] {
  return [...samples, sample].slice(-MAX_SAMPLES);
}

/**
 * The points of a line in a box of this size, the newest value at its right. The box reaches from
 * nothing to the largest value; a gap in the values is a gap of the line.
 */
export function lineOf(values: (number | undefined)[], width: number, height: number): string {
  const known = values.filter((value) => value !== undefined);
  const top = Math.max(1, ...known);
  const step = width / (MAX_SAMPLES - 1);
  const left = width - step * (values.length - 1);

  let isDrawing = false;
  const parts = values.map((value, index) => {
    if (value === undefined) {
      isDrawing = false;
      return '';
    }
    const point = `${round(left + step * index)} ${round(height - (value / top) * height)}`;
    const part = `${isDrawing ? 'L' : 'M'}${point}`;
    isDrawing = true;
    return part;
  });
  return parts.join('');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
