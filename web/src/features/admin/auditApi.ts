import { api } from '../../api/api';
import type { AuditEvent, Page } from '../../api/types';

const PAGE = 50;

export const FILTERS = ['user_id', 'consultation_id', 'actor_id'] as const;

/** Whose record, which one, and who: what is left out chooses nothing. */
export type AuditFilter = Partial<Record<(typeof FILTERS)[number], string>>;

export const auditApi = api.injectEndpoints({
  endpoints: (build) => ({
    listAuditEvents: build.infiniteQuery<Page<AuditEvent>, AuditFilter, string | undefined>({
      infiniteQueryOptions: {
        initialPageParam: undefined,
        getNextPageParam: (page) => page.next_cursor ?? undefined,
      },
      query: ({ queryArg, pageParam }) => ({
        url: '/v1/audit-events',
        params: { ...queryArg, limit: PAGE, ...(pageParam && { cursor: pageParam }) },
      }),
      // Others look at records at any time, also while this page is away.
      keepUnusedDataFor: 0,
    }),
  }),
});

export const { useListAuditEventsInfiniteQuery } = auditApi;
