import { expect, it } from 'vitest';
import { keysByBody } from './idempotency';

it('gives the same body the same key, and another body another one', () => {
  let count = 0;
  const keyOf = keysByBody(() => `key-${++count}`);

  expect(keyOf({ text: 'a' })).toBe('key-1');
  expect(keyOf({ text: 'a' })).toBe('key-1');
  expect(keyOf({ text: 'b' })).toBe('key-2');
  expect(keyOf({ text: 'a' })).toBe('key-3');
});
