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
}

const initialState: RealtimeState = { connection: 'closed', progress: {} };

/** What says something of the job itself; `questions` and `report_ready` do not. */
const OF_THE_JOB: ConsultationEvent['type'][] = [
  'queued',
  'progress',
  'deferred',
  'completed',
  'failed',
  'cancelled',
];

const realtimeSlice = createSlice({
  name: 'realtime',
  initialState,
  reducers: {
    connectionChanged: (state, { payload }: PayloadAction<ConnectionState>) => {
      state.connection = payload;
    },
    eventsTaken: (
      state,
      { payload }: PayloadAction<{ id: string; events: ConsultationEvent[] }>,
    ) => {
      const event = payload.events.findLast(({ type }) => OF_THE_JOB.includes(type));
      if (event) state.progress[payload.id] = readProgress(event);
    },
  },
  extraReducers: (build) => {
    build.addCase(signedOut, () => initialState);
  },
});

function readProgress({ type, progress, step, reason }: ConsultationEvent): JobProgress {
  return { type, percent: progress ?? 0, ...(step && { step }), ...(reason && { reason }) };
}

export const { connectionChanged, eventsTaken } = realtimeSlice.actions;
export const realtimeReducer = realtimeSlice.reducer;
