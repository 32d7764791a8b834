import { configureStore } from '@reduxjs/toolkit';
import { expect, it, vi } from 'vitest';
import { forgetsExpired } from './expiry';
import { sessionExpired, sessionReducer, signedIn } from './sessionSlice';

vi.mock('./cognito', () => ({
  signIn: () =>
    Promise.resolve({
      tokens: { idToken: 'first', expiresAt: Date.now() + 3_600_000, renew: vi.fn() },
    }),
}));

const { freshToken, signInWithPassword } = await import('./tokens');

function newStore() {
  return configureStore({
    reducer: { session: sessionReducer },
    middleware: (defaults) => defaults().concat(forgetsExpired),
  });
}

const anna = { id: 'anna', tenant_id: 'demo', role: 'patient' } as const;

it('sends nothing more with the tokens of a session that has expired', async () => {
  const store = newStore();
  await signInWithPassword('anna', 'secret');
  store.dispatch(signedIn(anna));
  expect(await freshToken()).toBe('first');

  store.dispatch(sessionExpired());
  expect(await freshToken()).toBeUndefined();
});

it('leaves alone the tokens of somebody who is about to be signed in', async () => {
  const store = newStore();
  store.dispatch(signedIn(anna));
  store.dispatch(sessionExpired());
  await signInWithPassword('anna', 'secret');

  store.dispatch(sessionExpired());
  expect(await freshToken()).toBe('first');
});
