import { createApi } from '@reduxjs/toolkit/query/react';
import { baseQuery } from './baseQuery';

/** The cache of all that was read. Each feature adds its own calls to it (`…Api.ts`). */
export const api = createApi({
  reducerPath: 'api',
  baseQuery,
  tagTypes: ['Consultation', 'Consultations', 'Documents', 'FailedJobs', 'Messages', 'Users'],
  refetchOnReconnect: true,
  // A long poll is always pending somewhere: "delayed" would hold back what has changed until it ends.
  invalidationBehavior: 'immediately',
  endpoints: () => ({}),
});
