import { api } from '../../api/api';
import type {
  HealthReport,
  ImportRequest,
  ImportResult,
  ListedUser,
  Page,
  Redriven,
} from '../../api/types';

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

    redriveJobs: build.mutation<Redriven, void>({
      query: () => ({ url: '/v1/jobs/redrive', method: 'POST' }),
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
  useListUsersInfiniteQuery,
  useRedriveJobsMutation,
} = adminApi;
