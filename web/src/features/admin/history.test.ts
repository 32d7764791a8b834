import { describe, expect, it } from 'vitest';
import { addSample, lineOf, MAX_SAMPLES, sampleOf, type Sample } from './history';

const EMPTY: Sample = {
  database: undefined,
  readers: undefined,
  valkey: undefined,
  jobs: undefined,
  dead_letters: undefined,
  memory: undefined,
};

describe('the last minutes of the health', () => {
  it('forgets what is older than ten minutes', () => {
    let samples: Sample[] = [];
    for (let database = 0; database < MAX_SAMPLES + 5; database++) {
      samples = addSample(samples, { ...EMPTY, database });
    }
    expect(samples).toHaveLength(MAX_SAMPLES);
    expect(samples[0]?.database).toBe(5);
  });

  it('knows nothing where the report says nothing', () => {
    const report = { status: 'ok', checks: {}, details: null };
    expect(sampleOf(report as unknown as Parameters<typeof sampleOf>[0])).toEqual(EMPTY);
  });

  it('draws the newest value at the right, and the largest one at the top', () => {
    const line = lineOf([5, 10, 0], 119, 20);
    expect(line).toBe('M117 10L118 0L119 20');
  });

  it('leaves a gap where nothing is known', () => {
    expect(lineOf([1, undefined, 1, 1], 119, 20)).toBe('M116 0M118 0L119 0');
    expect(lineOf([], 119, 20)).toBe('');
  });

  it('draws zeros at the bottom', () => {
    expect(lineOf([0, 0], 119, 20)).toBe('M118 20L119 20');
  });
});
