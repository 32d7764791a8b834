import { expect, it } from 'vitest';
import { lookAtJobAfter } from './jobsApi';

it('a job is looked at until it has ended, also if it has failed', () => {
  expect(lookAtJobAfter({})).toBeGreaterThan(0);
  expect(lookAtJobAfter({ data: { finished_at: null } })).toBeGreaterThan(0);
  expect(lookAtJobAfter({ data: { finished_at: '2026-01-01T00:00:00Z' } })).toBe(0);
});

it('many jobs are looked at as often as one, and not before the API says', () => {
  expect(lookAtJobAfter({}, 6)).toBe(6 * lookAtJobAfter({}));
  const error = { kind: 'refused', status: 429, fields: [], retryAfter: 30 };
  expect(lookAtJobAfter({ error })).toBe(30_000);
});
