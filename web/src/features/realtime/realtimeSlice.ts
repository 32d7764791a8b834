import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import { signedOut } from '../auth/sessionSlice';
import type { ConnectionState } from './connection';
import type { ConsultationEvent } from './events';

/** How the job of a consultation is doing, by its last event. */
export interface JobProgress {
  type: ConsultationEvent['type'];
  percent: number;
  step?: string;
  reason?: string;
}

export interface RealtimeState {
  connection: ConnectionState;
  /** Which consultations the gateway has said that it tells of, through this connection. */
  subscribed: Record<string, boolean>;
  /** What is gone for good. Its words may still be in the cache, and are not to be shown. */
  erased: Record<string, boolean>;
  progress: Record<string, JobProgress>;
  /** The summary that a model is writing, of each consultation. It is kept nowhere else. */
  writing: Record<string, string>;
}

const initialState: RealtimeState = {
  connection: 'closed',
  subscribed: {},
  erased: {},
  progress: {},
  writing: {},
};

/** What says something of the job itself; `questions`, `report_ready` and `summary` do not. */
const OF_THE_JOB: ConsultationEvent['type'][] = [
  'queued',
  'progress',
  'deferred',
  'completed',
  'failed',
  'cancelled',
];

/** The jobs that make an assessment. A report's, or an erasure's, says nothing of it. */
function isOfAssessment({ job }: ConsultationEvent): boolean {
  return job === undefined || job === 'analyze' || job === 'answer_message';
}

/**
 * What ends a summary that was being written: its attempt is over, another one begins, or answers
 * have raised the urgency, to which it may not be fit.
 */
function endsWriting(event: ConsultationEvent): boolean {
  const { type, step } = event;
  if (!isOfAssessment(event)) return false;
  if (type === 'progress') return step === 'started';
  return type === 'questions' || OF_THE_JOB.includes(type);
}

const realtimeSlice = createSlice({
  name: 'realtime',
  initialState,
  reducers: {
    connectionChanged: (state, { payload }: PayloadAction<ConnectionState>) => {
      state.connection = payload;
      if (payload === 'open') return;
      state.subscribed = {};
      // Nobody would tell that it was taken back. The next event brings all of it again.
      state.writing = {};
    },
    subscriptionChanged: (
      { subscribed },
      { payload: { id, isThere } }: PayloadAction<{ id: string; isThere: boolean }>,
    ) => {
      subscribed[id] = isThere;
    },
    eventsTaken: (
      state,
      { payload }: PayloadAction<{ id: string; events: ConsultationEvent[] }>,
    ) => {
      const event = payload.events.findLast(
        (event) => OF_THE_JOB.includes(event.type) && isOfAssessment(event),
      );
      if (event) state.progress[payload.id] = readProgress(event);
      takeWriting(state.writing, payload.id, payload.events);
    },
    erasureTold: (state, { payload }: PayloadAction<string>) => {
      state.writing[payload] = '';
      state.erased[payload] = true;
    },
  },
  extraReducers: (build) => {
    build.addCase(signedOut, () => initialState);
  },
});

function readProgress({ type, progress, step, reason }: ConsultationEvent): JobProgress {
  return { type, percent: progress ?? 0, ...(step && { step }), ...(reason && { reason }) };
}

/** Each `summary` replaces the one before. */
function takeWriting(
  writing: RealtimeState['writing'],
  id: string,
  events: ConsultationEvent[],
): void {
  const last = events.findLast((event) => event.type === 'summary' || endsWriting(event));
  if (last) writing[id] = (last.type === 'summary' && last.summary) || '';
}

/** Whether events tell of a consultation right now. An open connection alone does not. */
export function isLive({ connection, subscribed }: RealtimeState, id: string): boolean {
  return connection === 'open' && subscribed[id] === true;
}

export const { connectionChanged, erasureTold, eventsTaken, subscriptionChanged } =
  realtimeSlice.actions;
export const realtimeReducer = realtimeSlice.reducer;
