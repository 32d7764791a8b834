import { describe, expect, it, vi } from 'vitest';
import { load, loadOnce, NotLoaded } from './notLoaded';

describe('a part of the client', () => {
  const isOnline = () => false;
  const isOffline = () => true;

  it('is told from a fault of the page if it does not come', async () => {
    await expect(load(() => Promise.resolve('part'), isOnline)).resolves.toBe('part');
    const lost = new TypeError('Failed to fetch dynamically imported module');
    const failure = load(() => Promise.reject(lost), isOnline);
    await expect(failure).rejects.toBeInstanceOf(NotLoaded);
    await expect(failure).rejects.toMatchObject({ mayBeAskedAgain: false, cause: lost });
  });

  it('is not asked for without a network, so that it can be later', async () => {
    const part = vi.fn(() => Promise.resolve('part'));
    await expect(load(part, isOffline)).rejects.toMatchObject({ mayBeAskedAgain: true });
    expect(part).not.toHaveBeenCalled();
    await expect(loadOnce(part)).resolves.toBe('part');
  });
});
