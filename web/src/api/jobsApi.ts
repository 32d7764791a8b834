import { api } from './api';
import { isFailure } from './failure';
import type { Job } from './types';

/** Between two looks at a job: events tell of its end too, but not of every job, nor without a connection. */
const LOOK_MS = 2_000;

const jobsApi = api.injectEndpoints({
  endpoints: (build) => ({
    getJob: build.query<Job, string>({ query: (id) => ({ url: `/v1/jobs/${id}` }) }),
  }),
});

/**
 * A job that is looked at until it has ended, in whatever way. Of several that a page looks at, each is
 * looked at less often: a person's calls are limited.
 */
export function useJob(id: string, among = 1) {
  return jobsApi.useGetJobQuery(id, {
    pollingInterval: (entry) => lookAtJobAfter(entry, among),
    skipPollingIfUnfocused: true,
    // One that had failed may have been queued again since.
    refetchOnMountOrArgChange: true,
  });
}

interface Entry {
  data?: Pick<Job, 'finished_at'> | undefined;
  error?: unknown;
}

/** Milliseconds until one of so many jobs is looked at again; 0 if it is over. */
export function lookAtJobAfter({ data, error }: Entry, among = 1): number {
  if (data?.finished_at) return 0;
  const wait = (isFailure(error) && error.retryAfter) || 0;
  return Math.max(LOOK_MS * among, wait * 1000);
}
