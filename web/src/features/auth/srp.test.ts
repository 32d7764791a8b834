import * as amazon from 'amazon-cognito-identity-js';
import { describe, expect, it } from 'vitest';
import { newEphemeral, sessionKey, sign, timestampOf } from './srp';

/** The parts of Amazon's client that its types leave out. */
interface Helper {
  N: Big;
  smallAValue: Big;
  largeAValue: Big;
  getLargeAValue: (done: (error: unknown, value: Big) => void) => void;
  getPasswordAuthenticationKey: (
    user: string,
    password: string,
    B: Big,
    salt: Big,
    done: (error: unknown, key: Uint8Array) => void,
  ) => void;
}

interface Big {
  toString: (radix: number) => string;
  modPow: (exponent: Big, modulus: Big) => Big;
}

/** Its types leave it out. */
const { AuthenticationHelper } = amazon as unknown as {
  AuthenticationHelper: new (pool: string) => Helper;
};

/** The big numbers of Amazon's client are slow. */
const SLOW_MS = 60_000;

const POOL = 'Ab3xYz';
const USER = '5e0c7bd6-0f0e-4c52-8f4e-aa7f3f6f8c11';

/** A sign-in of Amazon's client; `B` and `salt` are any numbers of the group, as a server's are. */
function amazonSignIn() {
  const helper = new AuthenticationHelper(POOL);
  const number = () => {
    return publicValue(new AuthenticationHelper(POOL));
  };
  return { helper, A: publicValue(helper), B: number(), salt: number() };
}

function publicValue(helper: Helper): Big {
  let value: Big | undefined;
  helper.getLargeAValue((_, large) => {
    value = large;
  });
  if (!value) throw new Error('it was not made at once');
  return value;
}

function bytesOf(value: Big): Uint8Array<ArrayBuffer> {
  const digits = value.toString(16).padStart(256, '0');
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('a sign-in by SRP', () => {
  // Among some, a number begins with a set bit or with a zero: both are padded.
  it.each([1, 2, 3, 4])(
    'comes to the key of Amazon’s client (%i)',
    { timeout: SLOW_MS },
    async () => {
      const { helper, A, B, salt } = amazonSignIn();
      const ours = newEphemeral(bytesOf(helper.smallAValue));
      expect(ours.A.toString(16)).toBe(A.toString(16));

      let theirs: Uint8Array = new Uint8Array();
      helper.getPasswordAuthenticationKey(USER, '密码 Password-1', B, salt, (_, key) => {
        theirs = key;
      });
      const challenge = { pool: POOL, user: USER, salt: salt.toString(16), B: B.toString(16) };
      const key = await sessionKey(ours, challenge, '密码 Password-1');
      expect(hexOf(new Uint8Array(key))).toBe(hexOf(theirs));
    },
  );

  it('is signed with that key', async () => {
    const ours = newEphemeral();
    const challenge = { pool: POOL, user: USER, salt: 'c0ffee', B: '2f', secretBlock: 'AAEC/w==' };
    const time = 'Tue Nov 3 04:05:06 UTC 2026';
    const signature = await sign(ours, challenge, 'secret', time);

    const key = await crypto.subtle.importKey(
      'raw',
      await sessionKey(ours, challenge, 'secret'),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['verify'],
    );
    const message = Buffer.concat([
      Buffer.from(POOL + USER),
      Buffer.from([0, 1, 2, 255]),
      Buffer.from(time),
    ]);
    const isRight = await crypto.subtle.verify(
      'HMAC',
      key,
      Buffer.from(signature, 'base64'),
      message,
    );
    expect(isRight).toBe(true);
  });

  it('is broken off by values that would prove nothing', async () => {
    const ours = newEphemeral();
    const challenge = { pool: POOL, user: USER, salt: '01', B: '0' };
    await expect(sessionKey(ours, challenge, 'secret')).rejects.toThrow('unsafe');
  });

  it('makes another exponent each time', () => {
    expect(newEphemeral().A).not.toBe(newEphemeral().A);
  });
});

it('writes times as Cognito reads them', () => {
  expect(timestampOf(new Date('2026-11-03T04:05:06Z'))).toBe('Tue Nov 3 04:05:06 UTC 2026');
  expect(timestampOf(new Date('2026-12-25T23:59:59Z'))).toBe('Fri Dec 25 23:59:59 UTC 2026');
});
