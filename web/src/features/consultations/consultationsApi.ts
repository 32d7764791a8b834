import { api } from '../../api/api';
import type { AnswerMeta } from '../../api/baseQuery';
import { isNotFound } from '../../api/failure';
import type {
  Accepted,
  Answer,
  Answered,
  Consultation,
  ConsultationSummary,
  Listing,
  Message,
  NewConsultation,
  Page,
} from '../../api/types';
import { withAccepted, withAnswered } from './decision';

const PAGE = 20;

/** Seconds that a long poll may be held back: the API's own bound. */
const WAIT = 20;

/** The answer to a long poll, and the seconds before which the next one is of no use. */
interface Awaited extends AnswerMeta {
  consultation: Consultation;
}

export const consultationsApi = api.injectEndpoints({
  endpoints: (build) => ({
    createConsultation: build.mutation<Accepted, { body: NewConsultation; key: string }>({
      query: ({ body, key }) => ({
        url: '/v1/consultations',
        method: 'POST',
        headers: { 'idempotency-key': key },
        body,
      }),
      invalidatesTags: ['Consultations'],
    }),

    getConsultation: build.query<Consultation, string>({
      query: (id) => ({ url: `/v1/consultations/${id}` }),
      providesTags: (_result, _error, id) => [{ type: 'Consultation', id }],
    }),

    /** Is answered when the assessment is there; what it says goes into the cache of the above. */
    awaitConsultation: build.query<Awaited, string>({
      query: (id) => ({ url: `/v1/consultations/${id}`, params: { wait: WAIT } }),
      transformResponse: (consultation: Consultation, meta?: AnswerMeta) => ({
        consultation,
        ...meta,
      }),
      keepUnusedDataFor: 0,
      onQueryStarted: async (id, { dispatch, queryFulfilled }) => {
        try {
          const { data } = await queryFulfilled;
          if (!data.isStale) dispatch(changeRead(id, () => data.consultation));
        } catch (refusal) {
          // It is gone: the page, which has asked for it before, learns of that too.
          const { error } = refusal as { error?: unknown };
          if (isNotFound(error)) dispatch(api.util.invalidateTags([{ type: 'Consultation', id }]));
        }
      },
    }),

    listConsultations: build.infiniteQuery<Page<ConsultationSummary>, Listing, string | undefined>({
      infiniteQueryOptions: {
        initialPageParam: undefined,
        getNextPageParam: (page) => page.next_cursor ?? undefined,
      },
      query: ({ queryArg, pageParam }) => ({
        url: '/v1/consultations',
        params: { limit: PAGE, ...queryArg, ...(pageParam && { cursor: pageParam }) },
      }),
      providesTags: ['Consultations'],
    }),

    listMessages: build.query<Message[], string>({
      query: (id) => ({ url: `/v1/consultations/${id}/messages` }),
      transformResponse: ({ items }: { items: Message[] }) => items,
      providesTags: (_result, _error, id) => [{ type: 'Messages', id }],
    }),

    answerQuestions: build.mutation<Answered, { id: string; answers: Record<string, Answer> }>({
      query: ({ id, answers }) => ({
        url: `/v1/consultations/${id}/answers`,
        method: 'POST',
        body: { answers },
      }),
      // The decision stands in the answer: it is shown at once, whatever becomes of the next read.
      onQueryStarted: async ({ id }, { dispatch, queryFulfilled }) => {
        const answer = await queryFulfilled.catch(() => undefined);
        if (answer) dispatch(changeRead(id, (before) => withAnswered(before, answer.data)));
      },
      invalidatesTags: (_result, _error, { id }) => [{ type: 'Consultation', id }, 'Consultations'],
    }),

    sendMessage: build.mutation<Accepted, { id: string; text: string; key: string }>({
      query: ({ id, text, key }) => ({
        url: `/v1/consultations/${id}/messages`,
        method: 'POST',
        headers: { 'idempotency-key': key },
        body: { text },
      }),
      onQueryStarted: async ({ id }, { dispatch, queryFulfilled }) => {
        const answer = await queryFulfilled.catch(() => undefined);
        if (answer) dispatch(changeRead(id, (before) => withAccepted(before, answer.data)));
      },
      // Also when it was refused: the rules have read it all the same.
      invalidatesTags: (_result, _error, { id }) => [
        { type: 'Consultation', id },
        { type: 'Messages', id },
        'Consultations',
      ],
    }),

    writeReport: build.mutation<{ job_id: string }, string>({
      query: (id) => ({ url: `/v1/consultations/${id}/report`, method: 'POST' }),
    }),

    exportConsultation: build.mutation<unknown, { id: string; format?: 'fhir' }>({
      query: ({ id, format }) => ({
        url: `/v1/consultations/${id}/export`,
        params: format ? { format } : {},
      }),
    }),

    eraseConsultation: build.mutation<{ job_id: string }, string>({
      query: (id) => ({ url: `/v1/consultations/${id}`, method: 'DELETE' }),
      invalidatesTags: ['Consultations'],
    }),
  }),
});

/** Changes what was read of a consultation, if it was. */
function changeRead(id: string, change: (before: Consultation) => Consultation) {
  return consultationsApi.util.updateQueryData('getConsultation', id, change);
}

export const {
  useAnswerQuestionsMutation,
  useCreateConsultationMutation,
  useEraseConsultationMutation,
  useExportConsultationMutation,
  useGetConsultationQuery,
  useLazyAwaitConsultationQuery,
  useListConsultationsInfiniteQuery,
  useListMessagesQuery,
  useSendMessageMutation,
  useWriteReportMutation,
} = consultationsApi;
