import { api } from '../../api/api';
import type { DocumentRequest, ListedDocument, Page, SearchResult, Turn } from '../../api/types';

/** Passages of a search. */
const PASSAGES = 8;

export const clinicianApi = api.injectEndpoints({
  endpoints: (build) => ({
    getTrace: build.query<Turn[], string>({
      query: (id) => ({ url: `/v1/consultations/${id}/trace` }),
      transformResponse: ({ items }: { items: Turn[] }) => items,
      providesTags: (_result, _error, id) => [{ type: 'Messages', id }],
    }),

    searchKnowledge: build.query<SearchResult, string>({
      query: (question) => ({
        url: '/v1/knowledge/search',
        params: { q: question, k: PASSAGES },
      }),
    }),

    listDocuments: build.infiniteQuery<Page<ListedDocument>, void, string | undefined>({
      infiniteQueryOptions: {
        initialPageParam: undefined,
        getNextPageParam: (page) => page.next_cursor ?? undefined,
      },
      query: ({ pageParam }) => ({
        url: '/v1/knowledge/documents',
        params: pageParam ? { cursor: pageParam } : {},
      }),
      providesTags: ['Documents'],
    }),

    addDocument: build.mutation<{ id: string; job_id: string }, DocumentRequest>({
      query: (body) => ({ url: '/v1/knowledge/documents', method: 'POST', body }),
      invalidatesTags: ['Documents'],
    }),

    deleteDocument: build.mutation<null, string>({
      query: (id) => ({ url: `/v1/knowledge/documents/${id}`, method: 'DELETE' }),
      invalidatesTags: ['Documents'],
    }),
  }),
});

export const {
  useAddDocumentMutation,
  useDeleteDocumentMutation,
  useGetTraceQuery,
  useLazySearchKnowledgeQuery,
  useListDocumentsInfiniteQuery,
} = clinicianApi;
