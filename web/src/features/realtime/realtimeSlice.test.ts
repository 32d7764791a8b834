import { expect, it } from 'vitest';
import { signedOut } from '../auth/sessionSlice';
import { connectionChanged, eventsTaken, realtimeReducer } from './realtimeSlice';

const start = realtimeReducer(undefined, { type: 'start' });

it('shows the job as its last event tells it', () => {
  const state = realtimeReducer(
    start,
    eventsTaken({
      id: 'c',
      events: [
        { id: 1, type: 'queued', progress: 0 },
        { id: 2, type: 'progress', progress: 20, step: 'asking_models' },
        { id: 3, type: 'questions' },
      ],
    }),
  );

  expect(state.progress.c).toEqual({ type: 'progress', percent: 20, step: 'asking_models' });
});

it('forgets all of a person who signs out', () => {
  const followed = realtimeReducer(start, connectionChanged('open'));
  expect(realtimeReducer(followed, signedOut())).toEqual(start);
});
