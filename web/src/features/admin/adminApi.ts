import { api } from '../../api/api';
import type {
  HealthReport,
  ImportRequest,
  ImportResult,
  Job,
  ListedUser,
  Page,
  Redriven,
} from '../../api/types';

const PAGE = 20;

export const adminApi = api.injectEndpoints({
  endpoints: (build) => ({
    listUsers: build.infiniteQuery<Page<ListedUser>, void, string | undefined>({
      infiniteQueryOptions: {
        initialPageParam: undefined,
        getNextPageParam: (page) => page.next_cursor ?? undefined,
      },
      query: ({ pageParam }) => ({
        url: '/v1/users',
        params: pageParam ? { cursor: pageParam } : {},
      }),
      providesTags: ['Users'],
    }),

    importUsers: build.mutation<ImportResult, ImportRequest>({
      query: (body) => ({ url: '/v1/users/import', method: 'POST', body }),
      invalidatesTags: ['Users'],
    }),

    listFailedJobs: build.infiniteQuery<Page<Job>, void, string | undefined>({
      infiniteQueryOptions: {
        initialPageParam: undefined,
        getNextPageParam: (page) => page.next_cursor ?? undefined,
      },
      query: ({ pageParam }) => ({
        url: '/v1/jobs',
        params: { state: 'failed', limit: PAGE, ...(pageParam && { cursor: pageParam }) },
      }),
      providesTags: ['FailedJobs'],
    }),

    redriveJobs: build.mutation<Redriven, string | undefined>({
      query: (kind) => ({
        url: '/v1/jobs/redrive',
        method: 'POST',
        params: kind === undefined ? {} : { kind },
      }),
      invalidatesTags: ['FailedJobs'],
    }),

    getHealth: build.query<HealthReport, void>({
      query: () => ({
        url: '/health',
        // A 503 has the same report: that the database is gone.
        validateStatus: ({ status }) => status === 200 || status === 503,
      }),
    }),
  }),
});

export const {
  useGetHealthQuery,
  useImportUsersMutation,
  useListFailedJobsInfiniteQuery,
  useListUsersInfiniteQuery,
  useRedriveJobsMutation,
} = adminApi;
