import { beforeEach, describe, expect, it, vi } from 'vitest';
import { SecondFactorNeeded } from './signInFault';

/** The user pool, whose tokens end when a test says so. */
const fake = vi.hoisted(() => ({
  lives: 3600,
  renewals: 0,
  renew: undefined as unknown as () => Promise<object>,
  step: undefined as object | undefined,
}));

vi.mock('./cognito', () => ({
  signIn: () => Promise.resolve(fake.step ?? { tokens: tokensOf('first', fake.lives) }),
  setPassword: () => Promise.resolve({ tokens: tokensOf('chosen', fake.lives) }),
  renew: () => {
    fake.renewals++;
    return fake.renew();
  },
}));

const { chooseNewPassword, forgetTokens, freshToken, NewPasswordNeeded, signInWithPassword } =
  await import('./tokens');

function tokensOf(idToken: string, lives: number) {
  return { idToken, refreshToken: 'refresh', expiresAt: Date.now() + lives * 1000 };
}

describe('the token', () => {
  beforeEach(() => {
    forgetTokens();
    fake.renewals = 0;
    fake.lives = 3600;
    fake.step = undefined;
    fake.renew = () => Promise.resolve(tokensOf('renewed', 3600));
  });

  it('is none before a sign-in and after a sign-out', async () => {
    expect(await freshToken()).toBeUndefined();
    await signInWithPassword('li', 'secret');
    expect(await freshToken()).toBe('first');
    forgetTokens();
    expect(await freshToken()).toBeUndefined();
  });

  it('is used as it is while it has a minute to live', async () => {
    fake.lives = 90;
    await signInWithPassword('li', 'secret');
    expect(await freshToken()).toBe('first');
    expect(fake.renewals).toBe(0);
  });

  it('is renewed before it ends, once for calls at the same time', async () => {
    fake.lives = 30;
    fake.renew = () =>
      new Promise((done) => {
        setTimeout(() => {
          done(tokensOf('renewed', 3600));
        }, 5);
      });
    await signInWithPassword('li', 'secret');

    const tokens = await Promise.all([freshToken(), freshToken(), freshToken()]);
    expect(tokens).toEqual(['renewed', 'renewed', 'renewed']);
    expect(await freshToken()).toBe('renewed');
    expect(fake.renewals).toBe(1);
  });

  it('that cannot be renewed is sent as it is, and renewed with the next call', async () => {
    fake.lives = 30;
    fake.renew = () => Promise.reject(new Error('no network'));
    await signInWithPassword('li', 'secret');
    expect(await freshToken()).toBe('first');

    fake.renew = () => Promise.resolve(tokensOf('renewed', 3600));
    expect(await freshToken()).toBe('renewed');
    expect(fake.renewals).toBe(2);
  });

  it('of somebody who signs out during its renewal is not the next person’s', async () => {
    fake.lives = 30;
    let finish = (): void => undefined;
    const isAsked = new Promise<void>((begun) => {
      fake.renew = () =>
        new Promise((done) => {
          finish = () => {
            done(tokensOf('renewed', 3600));
          };
          begun();
        });
    });
    await signInWithPassword('li', 'secret');
    const asked = freshToken();
    await isAsked;
    forgetTokens();
    expect(await freshToken()).toBeUndefined();

    fake.lives = 3600;
    await signInWithPassword('han', 'secret');
    finish();
    expect(await asked).toBeUndefined();
    expect(await freshToken()).toBe('first');
  });

  it('is there when the person has chosen a password of their own', async () => {
    fake.step = { challenge: { name: 'NEW_PASSWORD_REQUIRED', session: 's', user: 'li' } };
    await expect(signInWithPassword('li', 'first')).rejects.toBeInstanceOf(NewPasswordNeeded);
    expect(await freshToken()).toBeUndefined();

    await chooseNewPassword('a-Password-of-1');
    expect(await freshToken()).toBe('chosen');
  });

  it('is none where the pool asks for what the page does not know', async () => {
    fake.step = { challenge: { name: 'SOFTWARE_TOKEN_MFA', session: 's', user: 'li' } };
    await expect(signInWithPassword('li', 'secret')).rejects.toBeInstanceOf(SecondFactorNeeded);
    expect(await freshToken()).toBeUndefined();
  });
});
