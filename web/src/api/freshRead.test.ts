import { describe, expect, it } from 'vitest';
import { noteChange, readFresh } from './freshRead';

const always = () => true;

/** A read of this path whose first answer is held back until something was done. */
async function readWhile(path: string, act: () => void): Promise<number> {
  let sends = 0;
  const send = () => {
    sends++;
    if (sends === 1) act();
    return Promise.resolve();
  };
  await readFresh(path, send, always);
  return sends;
}

describe('a read that is on its way', () => {
  it.each([
    ['/v1/consultations/7', '/v1/consultations/7/answers', 'the thing itself'],
    ['/v1/consultations/7/messages', '/v1/consultations/7/answers', 'what is below it'],
    ['/v1/consultations', '/v1/consultations/7/review', 'the list it is in'],
    ['/v1/knowledge/documents', '/v1/knowledge/documents', 'a list that grows'],
    ['/v1/knowledge/documents', '/v1/knowledge/documents/7', 'a list that shrinks'],
  ])('of %s is sent again behind a change at %s: %s', async (path, changed) => {
    expect(
      await readWhile(path, () => {
        noteChange(changed);
      }),
    ).toBe(2);
  });

  it.each([
    ['/v1/consultations/7', '/v1/consultations/8/answers'],
    ['/v1/consultations/7', '/v1/consultations/77'],
    ['/v1/knowledge/search', '/v1/knowledge/documents'],
    ['/v1/users/me', '/v1/uploads'],
  ])('of %s is not sent again behind a change at %s', async (path, changed) => {
    expect(
      await readWhile(path, () => {
        noteChange(changed);
      }),
    ).toBe(1);
  });

  it('is not sent without end, however often something changes', async () => {
    let sends = 0;
    const send = () => {
      noteChange('/v1/consultations/7');
      return Promise.resolve(++sends);
    };
    const last = await readFresh('/v1/consultations/7', send, always);
    expect(last).toEqual({ answer: 3, isStale: true });
  });

  it('is not sent again behind an answer that says so', async () => {
    let sends = 0;
    const send = () => {
      noteChange('/v1/consultations/7');
      return Promise.resolve(++sends);
    };
    const only = await readFresh('/v1/consultations/7', send, () => false);
    expect(only).toEqual({ answer: 1, isStale: true });
  });

  it('that has failed is forgotten', async () => {
    const path = '/v1/consultations/7';
    const broken = readFresh(path, () => Promise.reject(new Error('lost')), always);
    await expect(broken).rejects.toThrow('lost');
    expect(await readWhile(path, () => undefined)).toBe(1);
  });
});
