import { api } from '../../api/api';
import type { AppDispatch } from '../../app/store';
import { claimDraft, clearDrafts } from '../consultations/draft';
import { authApi } from './authApi';
import { signedIn, signedOut } from './sessionSlice';
import { forgetTokens } from './tokens';

/** Takes the person who has just signed in for who the API says that they are. */
export function enter() {
  return async (dispatch: AppDispatch): Promise<void> => {
    // Whoever was here before may have been somebody else.
    dispatch(api.util.resetApiState());
    const me = await dispatch(
      authApi.endpoints.getMe.initiate(undefined, { forceRefetch: true, subscribe: false }),
    ).unwrap();
    claimDraft(me.id);
    dispatch(signedIn(me));
  };
}

/** Leaves nothing of the person behind: no token, no draft, nothing that was read. */
export function leave(where: 'here' | 'everywhere') {
  return (dispatch: AppDispatch): void => {
    forgetTokens();
    clearDrafts();
    dispatch(signedOut(where));
    dispatch(api.util.resetApiState());
  };
}
