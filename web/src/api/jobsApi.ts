import { api } from './api';
import type { Job } from './types';

/** Between two looks at a job: events tell of its end too, but not of every job, nor without a connection. */
const LOOK_MS = 2_000;

const jobsApi = api.injectEndpoints({
  endpoints: (build) => ({
    getJob: build.query<Job, string>({ query: (id) => ({ url: `/v1/jobs/${id}` }) }),
  }),
});

/** A job that is looked at until it has ended, in whatever way. */
export function useJob(id: string) {
  return jobsApi.useGetJobQuery(id, {
    pollingInterval: lookAtJobAfter,
    skipPollingIfUnfocused: true,
    // One that had failed may have been queued again since.
    refetchOnMountOrArgChange: true,
  });
}

interface Entry {
  data?: Pick<Job, 'finished_at'> | undefined;
}

/** Milliseconds until a job is looked at again; 0 if it is over. */
export function lookAtJobAfter({ data }: Entry): number {
  return data?.finished_at ? 0 : LOOK_MS;
}
