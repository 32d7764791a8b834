import { api } from './api';
import type { Job } from './types';

const jobsApi = api.injectEndpoints({
  endpoints: (build) => ({
    getJob: build.query<Job, string>({ query: (id) => ({ url: `/v1/jobs/${id}` }) }),
  }),
});

export const { useGetJobQuery } = jobsApi;
