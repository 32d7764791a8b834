import { describe, expect, it } from 'vitest';
import { pauseAfter } from './backoff';
import { readFrame, takeNext, type ConsultationEvent } from './events';

const event = (id: number): ConsultationEvent => ({ id, type: 'progress' });

describe('events', () => {
  it('are taken one after the other', () => {
    expect(takeNext(0, [event(1), event(2)])).toEqual({
      last: 2,
      taken: [event(1), event(2)],
      hasGap: false,
    });
  });

  it('that were seen are not taken again', () => {
    expect(takeNext(2, [event(1), event(2), event(3)])).toMatchObject({
      last: 3,
      taken: [event(3)],
    });
  });

  it('behind a gap wait for their turn', () => {
    expect(takeNext(1, [event(3), event(4)])).toEqual({ last: 1, taken: [], hasGap: true });
  });

  it('are not lost when they come out of order and once more', () => {
    const first = takeNext(0, [event(2), event(1)]);
    expect(takeNext(first.last, [event(2), event(3)])).toEqual({
      last: 3,
      taken: [event(2), event(3)],
      hasGap: false,
    });
  });
});

it('a frame that is no JSON says nothing', () => {
  expect(readFrame('Forbidden')).toEqual({});
});

it('a pause grows to half a minute and never beyond', () => {
  const longest = [0, 1, 2, 3, 10, 100].map((failures) => pauseAfter(failures, () => 1));
  expect(longest).toEqual([500, 1000, 2000, 4000, 30_000, 30_000]);
  expect(pauseAfter(3, () => 0)).toBe(2000);
});
