import { describe, expect, it } from 'vitest';
import { CallFailed, isLost } from './sendFile';
import { StorageRefusal } from './transmit';

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
