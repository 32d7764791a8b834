import { beforeEach, describe, expect, it, vi } from 'vitest';

/** Cognito's client, whose sessions end when a test says so. */
const fake = vi.hoisted(() => ({
  expires: 0,
  renewals: 0,
  renew: undefined as unknown as Renew,
}));

type Renew = (done: (error: unknown, session?: unknown) => void) => void;

vi.mock('../../app/config', () => ({
  config: () => ({ userPoolId: 'eu-west-1_x', userPoolClientId: 'c' }),
}));
vi.mock('amazon-cognito-identity-js', () => ({
  AuthenticationDetails: vi.fn(),
  CognitoUserPool: vi.fn(),
  CognitoUser: class {
    authenticateUser(_: unknown, { onSuccess }: { onSuccess: (session: unknown) => void }) {
      onSuccess(sessionOf('first', fake.expires));
    }
    refreshSession(_: unknown, done: (error: unknown, session?: unknown) => void) {
      fake.renewals++;
      fake.renew(done);
    }
  },
}));

const { forgetTokens, freshToken, signInWithPassword } = await import('./tokens');

const now = () => Math.floor(Date.now() / 1000);

function sessionOf(token: string, expires: number) {
  return {
    getIdToken: () => ({ getExpiration: () => expires, getJwtToken: () => token }),
    getRefreshToken: () => 'refresh',
  };
}

describe('the token', () => {
  beforeEach(() => {
    forgetTokens();
    fake.renewals = 0;
    fake.expires = now() + 3600;
    fake.renew = (done) => {
      done(null, sessionOf('renewed', now() + 3600));
    };
  });

  it('is none before a sign-in and after a sign-out', async () => {
    expect(await freshToken()).toBeUndefined();
    await signInWithPassword('li', 'secret');
    expect(await freshToken()).toBe('first');
    forgetTokens();
    expect(await freshToken()).toBeUndefined();
  });

  it('is used as it is while it has a minute to live', async () => {
    fake.expires = now() + 90;
    await signInWithPassword('li', 'secret');
    expect(await freshToken()).toBe('first');
    expect(fake.renewals).toBe(0);
  });

  it('is renewed before it ends, once for calls at the same time', async () => {
    fake.expires = now() + 30;
    fake.renew = (done) => {
      setTimeout(() => {
        done(null, sessionOf('renewed', now() + 3600));
      }, 5);
    };
    await signInWithPassword('li', 'secret');

    const tokens = await Promise.all([freshToken(), freshToken(), freshToken()]);
    expect(tokens).toEqual(['renewed', 'renewed', 'renewed']);
    expect(await freshToken()).toBe('renewed');
    expect(fake.renewals).toBe(1);
  });

  it('that cannot be renewed is sent as it is, and renewed with the next call', async () => {
    fake.expires = now() + 30;
    fake.renew = (done) => {
      done(new Error('no network'));
    };
    await signInWithPassword('li', 'secret');
    expect(await freshToken()).toBe('first');

    fake.renew = (done) => {
      done(null, sessionOf('renewed', now() + 3600));
    };
    expect(await freshToken()).toBe('renewed');
    expect(fake.renewals).toBe(2);
  });

  it('of somebody who signs out during its renewal is not the next person’s', async () => {
    fake.expires = now() + 30;
    let finish = (): void => undefined;
    fake.renew = (done) => {
      finish = () => {
        done(null, sessionOf('renewed', now() + 3600));
      };
    };
    await signInWithPassword('li', 'secret');
    const asked = freshToken();
    forgetTokens();
    expect(await freshToken()).toBeUndefined();

    fake.expires = now() + 3600;
    await signInWithPassword('han', 'secret');
    finish();
    expect(await asked).toBeUndefined();
    expect(await freshToken()).toBe('first');
  });
});
