import { expect, it } from 'vitest';
import type { ConsultationStatus } from '../../api/types';
import { lookAgainAfter } from './lookAgain';

const page = (...states: ConsultationStatus[]) => ({ items: states.map((status) => ({ status })) });

it('a list is read again while something in it is being made', () => {
  expect(lookAgainAfter({ data: { pages: [page('completed', 'processing')] } })).toBe(5_000);
  expect(lookAgainAfter({ data: { pages: [page('completed', 'failed', 'cancelled')] } })).toBe(0);
  expect(lookAgainAfter({})).toBe(0);
});

it('a long list is read again less often', () => {
  const pages = [page('processing'), page('completed'), page('completed')];
  expect(lookAgainAfter({ data: { pages } })).toBe(15_000);
});
