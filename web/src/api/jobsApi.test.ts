import { expect, it } from 'vitest';
import { lookAtJobAfter } from './jobsApi';

it('a job is looked at until it has ended, also if it has failed', () => {
  expect(lookAtJobAfter({})).toBeGreaterThan(0);
  expect(lookAtJobAfter({ data: { finished_at: null } })).toBeGreaterThan(0);
  expect(lookAtJobAfter({ data: { finished_at: '2026-01-01T00:00:00Z' } })).toBe(0);
});
