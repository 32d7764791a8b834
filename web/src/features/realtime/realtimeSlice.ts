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
  progress: Record<string, JobProgress>;
  /** The summary that a model is writing, of each consultation. It is kept nowhere else. */
  writing: Record<string, string>;
}

const initialState: RealtimeState = { connection: 'closed', progress: {}, writing: {} };

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
      // Nobody would tell that it was taken back. The next event brings all of it again.
      if (payload !== 'open') state.writing = {};
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

export const { connectionChanged, erasureTold, eventsTaken } = realtimeSlice.actions;
export const realtimeReducer = realtimeSlice.reducer;
