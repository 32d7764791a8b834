import { expect, it } from 'vitest';
import { load, NotLoaded } from './notLoaded';

it('tells a part that does not come from a fault of the page', async () => {
  await expect(load(() => Promise.resolve('part'))).resolves.toBe('part');
  const lost = new TypeError('Failed to fetch dynamically imported module');
  await expect(load(() => Promise.reject(lost))).rejects.toBeInstanceOf(NotLoaded);
});
