import type { Middleware } from '@reduxjs/toolkit';
import { sessionExpired, type SessionState } from './sessionSlice';
import { forgetTokens } from './tokens';

/**
 * Forgets the tokens of a session that has expired: nothing more is sent with them. A late refusal of
 * a call from before a sign-in leaves the new ones alone.
 */
export const forgetsExpired: Middleware<object, { session: SessionState }> =
  (store) => (next) => (action) => {
    const wasSignedIn = store.getState().session.status === 'signed_in';
    const result = next(action);
    if (sessionExpired.match(action) && wasSignedIn) forgetTokens();
    return result;
  };
