import { describe, expect, it } from 'vitest';
import type { Urgency } from '../../api/types';
import { arrange, isSame } from './steadyRows';

const row = (id: string, urgency: Urgency = 'routine') => ({ id, urgency });
const ids = (rows: { id: string }[]) => rows.map(({ id }) => id).join('');

/** What becomes of a list that was shown when it is read again. */
function readAgain(before: ReturnType<typeof row>[], after: ReturnType<typeof row>[]) {
  return arrange(arrange(undefined, before).places, after);
}

describe('the rows of a list that is read again', () => {
  it('stay where they are when others come above them', () => {
    const { rows, news } = readAgain(
      [row('b'), row('c')],
      [row('a', 'emergency'), row('b'), row('x'), row('c')],
    );
    expect(ids(rows)).toBe('bc');
    expect(ids(news)).toBe('ax');
  });

  it('stay where they are when one becomes more urgent, which is told', () => {
    const { rows, news } = readAgain([row('a'), row('b')], [row('b', 'emergency'), row('a')]);
    expect(ids(rows)).toBe('ab');
    expect(rows[1]?.urgency).toBe('emergency');
    expect(ids(news)).toBe('b');
  });

  it('are followed by those of a further page', () => {
    const { rows, news } = readAgain([row('a'), row('b')], [row('a'), row('b'), row('c')]);
    expect(ids(rows)).toBe('abc');
    expect(news).toEqual([]);
  });

  it('leave with what is gone', () => {
    const { rows, places } = readAgain([row('a'), row('b'), row('c')], [row('a'), row('c')]);
    expect(ids(rows)).toBe('ac');
    expect(ids(places)).toBe('ac');
  });

  it('are told of when there were none', () => {
    const { rows, news } = readAgain([], [row('a', 'emergency')]);
    expect(rows).toEqual([]);
    expect(ids(news)).toBe('a');
  });
});

it('what was shown is the same only with the same rows in the same places', () => {
  const shown = { places: [row('a'), row('b')], isOfNow: true };
  expect(isSame(shown, { places: [row('a'), row('b')], isOfNow: true })).toBe(true);
  expect(isSame(shown, { ...shown, isOfNow: false })).toBe(false);
  expect(isSame(shown, { ...shown, places: [row('b'), row('a')] })).toBe(false);
  expect(isSame(undefined, shown)).toBe(false);
});
