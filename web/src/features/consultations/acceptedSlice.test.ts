import { expect, it } from 'vitest';
import { api } from '../../api/api';
import { signedOut } from '../auth/sessionSlice';
import { acceptedReducer, consultationAccepted } from './acceptedSlice';

const decision = {
  id: 'c1',
  job_id: 'j1',
  status: 'processing',
  urgency: 'emergency',
  advice: 'Call now.',
  red_flags: [],
  questions: [],
  disclaimer: '',
  locale: 'en',
} as const;

const accepted = () =>
  acceptedReducer(undefined, consultationAccepted({ ...decision, red_flags: [], questions: [] }));

it('keeps the decision on the last consultation', () => {
  expect(accepted().last?.advice).toBe('Call now.');
});

it('is empty after a sign-out, and for whoever signs in next', () => {
  expect(acceptedReducer(accepted(), signedOut('here'))).toEqual({});
  expect(acceptedReducer(accepted(), api.util.resetApiState())).toEqual({});
});
