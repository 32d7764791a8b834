import { expect, it } from 'vitest';
import { hasRisen } from './risen';

it('rises from what was shown to what is more urgent, and at no other time', () => {
  expect(hasRisen('routine', 'emergency')).toBe(true);
  expect(hasRisen('self_care', 'routine')).toBe(true);
  expect(hasRisen('emergency', 'emergency')).toBe(false);
  expect(hasRisen('urgent', 'routine')).toBe(false);
  expect(hasRisen(undefined, 'emergency')).toBe(false);
  expect(hasRisen('routine', undefined)).toBe(false);
});
