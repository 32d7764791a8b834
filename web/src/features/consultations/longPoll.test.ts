import { expect, it } from 'vitest';
import { secondsBeforeNext } from './longPoll';

it('the next long poll waits for as long as the API says, with an answer or a refusal', () => {
  expect(secondsBeforeNext({ data: { retryAfter: 17 } })).toBe(17);
  const refused = { kind: 'refused', status: 429, fields: [], retryAfter: 30 };
  expect(secondsBeforeNext({ error: refused })).toBe(30);
});

it('otherwise it is asked again soon, and after a failure a little later', () => {
  expect(secondsBeforeNext({ data: {} })).toBe(1);
  expect(secondsBeforeNext({ error: { kind: 'unreachable', fields: [] } })).toBe(5);
});
