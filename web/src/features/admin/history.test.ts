import { describe, expect, it } from 'vitest';
import { addSample, lineOf, sampleOf, SPAN_MS, type Sample } from './history';

const EMPTY: Sample = {
  at: 0,
  database: undefined,
  readers: undefined,
  valkey: undefined,
  jobs: undefined,
  dead_letters: undefined,
  memory: undefined,
};

/** Values, one each five seconds, as the page looks. */
function points(...values: (number | undefined)[]) {
  return values.map((value, index) => ({ at: index * 5_000, value }));
}

describe('the last minutes of the health', () => {
  it('forgets what is older than ten minutes', () => {
    const old = { ...EMPTY, at: 1 };
    const samples = addSample([old, { ...EMPTY, at: 60_000 }], { ...EMPTY, at: SPAN_MS + 2 });
    expect(samples.map(({ at }) => at)).toEqual([60_000, SPAN_MS + 2]);
  });

  it('knows nothing where the report says nothing', () => {
    const report = { status: 'ok', checks: {}, details: null };
    expect(sampleOf(report as unknown as Parameters<typeof sampleOf>[0], 0)).toEqual(EMPTY);
  });

  it('draws the newest value at the right, and the largest one at the top', () => {
    expect(lineOf(points(5, 10, 0), 60, 20)).toBe('M59 10L59.5 0L60 20');
  });

  it('leaves a gap where nothing is known', () => {
    expect(lineOf(points(1, undefined, 1, 1), 60, 20)).toBe('M58.5 0M59.5 0L60 0');
    expect(lineOf([], 60, 20)).toBe('');
  });

  it('leaves a gap where nobody has looked', () => {
    const hour = 60 * 60_000;
    const line = lineOf(
      [
        { at: hour - 60_000, value: 2 },
        { at: hour, value: 1 },
      ],
      60,
      20,
    );
    expect(line).toBe('M54 0M60 10');
  });

  it('draws zeros at the bottom', () => {
    expect(lineOf(points(0, 0), 60, 20)).toBe('M59.5 20L60 20');
  });
});
