import {
  fetchBaseQuery,
  type BaseQueryFn,
  type FetchArgs,
  type FetchBaseQueryError,
  type FetchBaseQueryMeta,
} from '@reduxjs/toolkit/query';
import { config } from '../app/config';
import { sessionExpired } from '../features/auth/sessionSlice';
import { freshToken, isCurrentToken } from '../features/auth/tokens';
import { readRefusal, readRetryAfter, type Failure } from './failure';
import { noteChange, readFresh } from './freshRead';

/** Longer than a call with `?wait=20` may take. */
const TIMEOUT_MS = 35_000;

const send = fetchBaseQuery({
  timeout: TIMEOUT_MS,
  isJsonContentType: (headers) => (headers.get('content-type') ?? '').includes('json'),
  responseHandler: 'content-type',
});

/** What an answer says besides its body. */
export interface AnswerMeta {
  /** Seconds before which the same is not to be asked again. */
  retryAfter?: number;
  /** Whether what it tells of has changed since it was asked for. */
  isStale?: boolean;
}

type Call = BaseQueryFn<FetchArgs, unknown, Failure, object, AnswerMeta>;

/** One call to the API. What is read is not from before a change that this tab knows of. */
export const baseQuery: Call = async (request, context, options) => {
  const call = async () => callOnce(request, context, options);
  if (isRead(request)) {
    const { answer, isStale } = await readFresh(request.url, call, mayBeAskedAgain);
    return isStale ? { ...answer, meta: { ...answer.meta, isStale } } : answer;
  }

  const answer = await call();
  // Also behind a failure: only its answer may have been lost.
  noteChange(request.url);
  return answer;
};

function isRead({ method = 'GET' }: FetchArgs): boolean {
  return method === 'GET';
}

function mayBeAskedAgain({ error, meta }: Awaited<ReturnType<Call>>): boolean {
  return !error && !meta?.retryAfter;
}

/**
 * A token that no longer counts ends the session: there is no other way on. But a late answer to a
 * token of before says nothing of the session that is there now.
 */
const callOnce: Call = async (request, context, options) => {
  const token = await freshToken();
  const headers = new Headers(request.headers as HeadersInit | undefined);
  if (token) headers.set('authorization', `Bearer ${token}`);
  const address = { ...request, url: config().apiUrl + request.url, headers };
  const { data, error, meta } = await send(address, context, options);
  if (!error) return { data, meta: readMeta(meta) };

  const failure = describe(error, meta);
  if (failure.status === 401 && isCurrentToken(token)) context.dispatch(sessionExpired());
  return { error: failure };
};

function readMeta(meta: FetchBaseQueryMeta | undefined): AnswerMeta {
  const retryAfter = readRetryAfter(meta?.response?.headers.get('retry-after') ?? null);
  return retryAfter === undefined ? {} : { retryAfter };
}

function describe(error: FetchBaseQueryError, meta: FetchBaseQueryMeta | undefined): Failure {
  if (typeof error.status === 'number') {
    const retryAfter = meta?.response?.headers.get('retry-after') ?? null;
    return readRefusal(error.status, error.data, retryAfter);
  }
  if (error.status === 'PARSING_ERROR') {
    return { kind: 'refused', status: error.originalStatus, fields: [] };
  }
  return { kind: error.status === 'TIMEOUT_ERROR' ? 'timed_out' : 'unreachable', fields: [] };
}
