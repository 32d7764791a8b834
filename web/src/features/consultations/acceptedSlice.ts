import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import { api } from '../../api/api';
import type { Accepted, Locale } from '../../api/types';
import { signedOut } from '../auth/sessionSlice';

/** What the API has said at once of a consultation that was just sent, in the language asked for. */
export interface AcceptedConsultation extends Accepted {
  locale: Locale;
}

export interface AcceptedState {
  last?: AcceptedConsultation;
}

const initialState: AcceptedState = {};

/**
 * The decision on the last consultation, until the consultation itself is read. In memory alone: in
 * the tab's history, the next person of the same tab would come back to it.
 */
const acceptedSlice = createSlice({
  name: 'accepted',
  initialState,
  reducers: {
    consultationAccepted: (_, { payload }: PayloadAction<AcceptedConsultation>) => ({
      last: payload,
    }),
  },
  extraReducers: (build) => {
    build.addCase(signedOut, () => initialState);
    build.addMatcher(api.util.resetApiState.match, () => initialState);
  },
});

export const { consultationAccepted } = acceptedSlice.actions;
export const acceptedReducer = acceptedSlice.reducer;
