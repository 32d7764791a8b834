import { describe, expect, it } from 'vitest';
import { signedOut } from '../auth/sessionSlice';
import type { ConsultationEvent } from './events';
import {
  connectionChanged,
  erasureTold,
  eventsTaken,
  isLive,
  realtimeReducer,
  subscriptionChanged,
} from './realtimeSlice';

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

it('takes a report’s events for none of the assessment’s', () => {
  const assessed = realtimeReducer(
    start,
    eventsTaken({ id: 'c', events: [{ id: 1, type: 'progress', progress: 40, job: 'analyze' }] }),
  );
  const reported = realtimeReducer(
    assessed,
    eventsTaken({
      id: 'c',
      events: [
        { id: 2, type: 'queued', progress: 0, job: 'generate_report' },
        { id: 3, type: 'progress', progress: 5, step: 'started', job: 'generate_report' },
        { id: 4, type: 'failed', reason: 'internal', job: 'generate_report' },
      ],
    }),
  );
  expect(reported.progress.c).toEqual({ type: 'progress', percent: 40 });

  const answered = realtimeReducer(
    reported,
    eventsTaken({ id: 'c', events: [{ id: 5, type: 'queued', job: 'answer_message' }] }),
  );
  expect(answered.progress.c).toEqual({ type: 'queued', percent: 0 });
});

it('forgets all of a person who signs out', () => {
  const followed = realtimeReducer(start, connectionChanged('open'));
  expect(realtimeReducer(followed, signedOut('here'))).toEqual(start);
});

it('is live when the gateway has said that it tells, and not by an open connection alone', () => {
  const opened = realtimeReducer(start, connectionChanged('open'));
  expect(isLive(opened, 'c')).toBe(false);

  const told = realtimeReducer(opened, subscriptionChanged({ id: 'c', isThere: true }));
  expect(isLive(told, 'c')).toBe(true);
  expect(isLive(told, 'other')).toBe(false);

  const lost = realtimeReducer(told, connectionChanged('waiting'));
  expect(isLive(realtimeReducer(lost, connectionChanged('open')), 'c')).toBe(false);
});

it('knows what was erased until the person leaves', () => {
  const erased = realtimeReducer(start, erasureTold('c'));
  expect(erased.erased).toEqual({ c: true });
  expect(realtimeReducer(erased, signedOut('here')).erased).toEqual({});
});

describe('a summary that is being written', () => {
  const take = (state: typeof start, ...events: Omit<ConsultationEvent, 'id'>[]) => {
    const numbered = events.map((event, index) => ({ id: index + 1, ...event }));
    return realtimeReducer(state, eventsTaken({ id: 'c', events: numbered }));
  };
  const opened = realtimeReducer(start, connectionChanged('open'));
  const written = take(opened, { type: 'summary', summary: 'One.' });

  it('is replaced by the next one', () => {
    expect(written.writing.c).toBe('One.');
    expect(take(written, { type: 'summary', summary: 'One. Two.' }).writing.c).toBe('One. Two.');
  });

  it('stays while its job goes on', () => {
    expect(take(written, { type: 'progress', progress: 40 }).writing.c).toBe('One.');
    expect(take(written, { type: 'failed', job: 'generate_report' }).writing.c).toBe('One.');
    expect(written.progress.c).toBeUndefined();
  });

  it('is dropped when another attempt begins, and when answers have changed the urgency', () => {
    const begun = { type: 'progress', step: 'started', progress: 5 } as const;
    expect(take(written, begun).writing.c).toBe('');
    expect(take(written, { type: 'questions' }).writing.c).toBe('');
  });

  it('is taken back by an empty one, or one without words', () => {
    expect(take(written, { type: 'summary', summary: '' }).writing.c).toBe('');
    expect(take(written, { type: 'summary' }).writing.c).toBe('');
  });

  it.each(['queued', 'deferred', 'failed', 'cancelled', 'completed'] as const)(
    'is dropped when the job is %s',
    (type) => {
      expect(take(written, { type }).writing.c).toBe('');
      expect(take(opened, { type: 'summary', summary: 'One.' }, { type }).writing.c).toBe('');
      expect(take(opened, { type }, { type: 'summary', summary: 'New.' }).writing.c).toBe('New.');
    },
  );

  it('is dropped when the connection is lost, the consultation erased, or the person leaves', () => {
    expect(realtimeReducer(written, connectionChanged('waiting')).writing).toEqual({});
    expect(realtimeReducer(written, erasureTold('c')).writing.c).toBe('');
    expect(realtimeReducer(written, signedOut('here')).writing).toEqual({});
  });
});
