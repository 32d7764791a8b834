import { describe, expect, it, vi } from 'vitest';
import { CallFailed, isLost, sendFile, type Sending } from './sendFile';
import { StorageRefusal } from './transmit';

vi.mock('./uploadsApi', () => {
  const endpoint = (name: string) => ({ initiate: (what: unknown) => ({ name, what }) });
  return {
    uploadsApi: {
      endpoints: {
        requestUpload: endpoint('request'),
        removeUpload: endpoint('remove'),
      },
    },
  };
});

const refused = (status: number) => new CallFailed({ kind: 'refused', status, fields: [] });

describe('a file that failed', () => {
  it.each([new StorageRefusal(403), new StorageRefusal(404), refused(404), refused(409)])(
    'begins anew if its upload is gone: %o',
    (error) => {
      expect(isLost(error)).toBe(true);
    },
  );

  it.each([
    new StorageRefusal(408),
    new StorageRefusal(503),
    refused(429),
    refused(401),
    new Error('the storage cannot be reached'),
  ])('keeps what it has sent otherwise: %o', (error) => {
    expect(isLost(error)).toBe(false);
  });
});

describe('a file that is given up', () => {
  it('before the API has answered is not awaited by the API either', async () => {
    const abort = new AbortController();
    const calls: unknown[] = [];
    const dispatch = vi.fn(({ name, what }: { name: string; what: unknown }) => {
      if (name === 'remove') calls.push(what);
      else abort.abort(); // the page is left meanwhile
      return Promise.resolve({ data: { id: 'u1', form: { url: '', fields: {} } } });
    });
    const sending: Sending = { key: 'k', file: new File(['x'], 'a.txt'), doneParts: new Set() };
    const change = vi.fn();

    const context = { dispatch: dispatch as never, change, signal: abort.signal };
    await expect(sendFile(sending, context)).rejects.toThrow();
    expect(calls).toEqual(['u1']);
    expect(change).not.toHaveBeenCalled();
  });
});
