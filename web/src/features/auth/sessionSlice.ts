import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import type { Me } from '../../api/types';

export interface SessionState {
  status: 'signed_out' | 'signed_out_everywhere' | 'signed_in' | 'expired';
  me?: Me;
}

const initialState: SessionState = { status: 'signed_out' };

const sessionSlice = createSlice({
  name: 'session',
  initialState,
  reducers: {
    signedIn: (_, { payload }: PayloadAction<Me>): SessionState => ({
      status: 'signed_in',
      me: payload,
    }),
    signedOut: (_, { payload }: PayloadAction<'here' | 'everywhere'>): SessionState => ({
      status: payload === 'here' ? 'signed_out' : 'signed_out_everywhere',
    }),
    /** What was on the page stays in the draft; the person has to sign in again. */
    sessionExpired: (state): SessionState =>
      state.status === 'signed_in' ? { status: 'expired' } : state,
  },
});

export const { signedIn, signedOut, sessionExpired } = sessionSlice.actions;
export const sessionReducer = sessionSlice.reducer;
