import { beforeEach, describe, expect, it, vi } from 'vitest';
import { SecondFactorNeeded } from './signInFault';

/** The user pool, whose tokens end when a test says so. */
const fake = vi.hoisted(() => ({
  lives: 3600,
  renewals: 0,
  renew: undefined as unknown as () => Promise<object>,
  step: undefined as Promise<object> | undefined,
}));

vi.mock('./cognito', () => ({
  signIn: () => fake.step ?? Promise.resolve({ tokens: tokensOf('first', fake.lives) }),
}));

const { chooseNewPassword, forgetTokens, freshToken, NewPasswordNeeded, signInWithPassword } =
  await import('./tokens');

function tokensOf(idToken: string, lives: number) {
  const renew = () => {
    fake.renewals++;
    return fake.renew();
  };
  return { idToken, expiresAt: Date.now() + lives * 1000, renew };
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
    const choosePassword = vi
      .fn()
      .mockRejectedValueOnce(new Error('too short'))
      .mockResolvedValueOnce({ tokens: tokensOf('chosen', 3600) });
    fake.step = Promise.resolve({ choosePassword });
    await expect(signInWithPassword('li', 'first')).rejects.toBeInstanceOf(NewPasswordNeeded);
    expect(await freshToken()).toBeUndefined();

    await expect(chooseNewPassword('short')).rejects.toThrow('too short');
    await chooseNewPassword('a-Password-of-1');
    expect(choosePassword).toHaveBeenLastCalledWith('a-Password-of-1');
    expect(await freshToken()).toBe('chosen');
    await expect(chooseNewPassword('another-one')).rejects.toThrow('nobody is signing in');
  });

  it('is none where the pool asks for what the page does not know', async () => {
    fake.step = Promise.reject(new SecondFactorNeeded());
    await expect(signInWithPassword('li', 'secret')).rejects.toBeInstanceOf(SecondFactorNeeded);
    expect(await freshToken()).toBeUndefined();
  });
});
