import { api } from '../../api/api';
import type {
  DocumentRequest,
  ListedDocument,
  NewReview,
  Page,
  Review,
  SearchResult,
  Turn,
} from '../../api/types';

/** What a clinician says of a consultation that they have read. */
type ReviewRequest = NewReview & { id: string };

/** Passages of a search. */
const PASSAGES = 8;

export const clinicianApi = api.injectEndpoints({
  endpoints: (build) => ({
    getTrace: build.query<Turn[], string>({
      query: (id) => ({ url: `/v1/consultations/${id}/trace` }),
      transformResponse: ({ items }: { items: Turn[] }) => items,
      providesTags: (_result, _error, id) => [{ type: 'Messages', id }],
    }),

    reviewConsultation: build.mutation<Review, ReviewRequest>({
      query: ({ id, ...body }) => ({
        url: `/v1/consultations/${id}/review`,
        method: 'POST',
        body,
      }),
      // Also when it was refused: something has come that the clinician has not seen.
      invalidatesTags: (_result, _error, { id }) => [{ type: 'Consultation', id }, 'Consultations'],
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
  useReviewConsultationMutation,
  useLazySearchKnowledgeQuery,
  useListDocumentsInfiniteQuery,
} = clinicianApi;
