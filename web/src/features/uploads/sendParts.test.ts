import { describe, expect, it, vi } from 'vitest';
import { sendParts, type PartsOptions } from './sendParts';
import { StorageRefusal, type Transmission, type Transmit } from './transmit';

/** Ten bytes in parts of four: 0123, 4567, 89. */
const file = new Blob(['0123456789']);
const links = {
  part_size: 4,
  urls: ['https://s/0', 'https://s/1', 'https://s/2'],
  expires_at: '2026-01-01T00:00:00Z',
};

/** A storage that keeps what comes, and fails as often as it is told for an address. */
function fakeStorage(failures: Record<string, unknown[]> = {}) {
  const kept = new Map<string, string>();
  const calls: string[] = [];

  const transmit: Transmit = async ({ method, url, body, onProgress, signal }: Transmission) => {
    calls.push(`${method} ${url}`);
    signal.throwIfAborted();
    const failure = failures[url]?.shift();
    if (failure) throw failure as Error;

    const text = await (body as Blob).text();
    onProgress(text.length / 2, text.length);
    kept.set(url, text);
  };
  return { kept, calls, transmit };
}

const options = (transmit: Transmit, more: Partial<PartsOptions> = {}): PartsOptions => ({
  links,
  file,
  transmit,
  onProgress: () => undefined,
  signal: new AbortController().signal,
  done: new Set(),
  pause: () => Promise.resolve(),
  ...more,
});

describe('a large file', () => {
  it('is sent in its parts, the last one with the rest', async () => {
    const { kept, transmit } = fakeStorage();
    const done = new Set<number>();
    await sendParts(options(transmit, { done }));

    expect([...kept].sort()).toEqual([
      ['https://s/0', '0123'],
      ['https://s/1', '4567'],
      ['https://s/2', '89'],
    ]);
    expect([...done].sort()).toEqual([0, 1, 2]);
  });

  it('tells how far it is, and leaves the last percent to the storage', async () => {
    const percents: number[] = [];
    const { transmit } = fakeStorage();
    await sendParts(options(transmit, { onProgress: (percent) => percents.push(percent) }));

    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    expect(percents.at(-1)).toBe(99);
  });

  it('has a part sent again when its line breaks or the storage is busy', async () => {
    const broken = [new Error('the line broke'), new StorageRefusal(503)];
    const { kept, calls, transmit } = fakeStorage({ 'https://s/1': broken });
    const pause = vi.fn(() => Promise.resolve());
    await sendParts(options(transmit, { pause }));

    expect(kept.get('https://s/1')).toBe('4567');
    expect(calls.filter((call) => call.endsWith('/1'))).toHaveLength(3);
    expect(calls).toHaveLength(5);
    expect(pause).toHaveBeenCalledTimes(2);
  });

  it('goes on with the parts that have not come', async () => {
    const ended = fakeStorage({ 'https://s/1': [new StorageRefusal(403)] });
    const done = new Set<number>();
    await expect(sendParts(options(ended.transmit, { done }))).rejects.toThrow('403');
    expect(ended.calls.filter((call) => call.endsWith('/1'))).toHaveLength(1);
    expect(done.has(1)).toBe(false);

    const storage = fakeStorage();
    done.add(0).add(2);
    await sendParts(options(storage.transmit, { done }));
    expect(storage.calls).toEqual(['PUT https://s/1']);
  });

  it('gives up when a part is lost again and again', async () => {
    const broken = Array.from({ length: 20 }, () => new Error('the line broke'));
    const { calls, transmit } = fakeStorage({ 'https://s/2': broken });
    await expect(sendParts(options(transmit))).rejects.toThrow('the line broke');
    expect(calls.filter((call) => call.endsWith('/2'))).toHaveLength(9);
  });

  it('stops when it is removed', async () => {
    const abort = new AbortController();
    const { calls, transmit } = fakeStorage();
    const removed: Transmit = async (transmission) => {
      abort.abort();
      await transmit(transmission);
    };

    await expect(sendParts(options(removed, { signal: abort.signal }))).rejects.toThrow();
    expect(calls.length).toBeLessThanOrEqual(3);
    await expect(sendParts(options(transmit, { signal: abort.signal }))).rejects.toThrow();
  });
});
