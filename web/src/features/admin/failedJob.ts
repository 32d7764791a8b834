import type { Page } from '../../api/types';

/**
 * A failed job as `GET /v1/jobs?state=failed` lists it. Written by hand until `schema.d.ts` has the
 * route; nothing else in the client says how it looks.
 */
export interface FailedJob {
  id: string;
  kind: string;
  state: 'failed';
  consultation_id?: string | null;
  attempts: number;
  /** A code, such as `models_unavailable`. */
  last_error?: string | null;
  created_at: string;
  finished_at?: string | null;
}

export type FailedJobs = Page<FailedJob>;
