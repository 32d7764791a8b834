import { expect, it } from 'vitest';
import { readFilter, trailOf } from './auditFilter';

it('is read from the address, without what is empty or unknown', () => {
  const address = new URLSearchParams('user_id=a%7C1&actor_id=%20&page=2');
  expect(readFilter(address)).toEqual({ user_id: 'a|1' });
});

it('is written to the address as it was read', () => {
  const filter = { user_id: 'a|1', consultation_id: '019b7a00' };
  const address = trailOf({ ...filter, actor_id: undefined });

  expect(address).toBe('/audit?user_id=a%7C1&consultation_id=019b7a00');
  expect(readFilter(new URL(address, 'http://x').searchParams)).toEqual(filter);
  expect(trailOf({ user_id: ' ' })).toBe('/audit');
});
