import {
  fetchBaseQuery,
  type BaseQueryFn,
  type FetchArgs,
  type FetchBaseQueryError,
  type FetchBaseQueryMeta,
} from '@reduxjs/toolkit/query';
import { config } from '../app/config';
import { sessionExpired } from '../features/auth/sessionSlice';
import { freshToken } from '../features/auth/tokens';
import { readRefusal, type Failure } from './failure';

/** Longer than a call with `?wait=20` may take. */
const TIMEOUT_MS = 35_000;

const send = fetchBaseQuery({
  timeout: TIMEOUT_MS,
  isJsonContentType: (headers) => (headers.get('content-type') ?? '').includes('json'),
  responseHandler: 'content-type',
  prepareHeaders: async (headers) => {
    const token = await freshToken();
    if (token) headers.set('authorization', `Bearer ${token}`);
    return headers;
  },
});

/** One call to the API. A token that no longer counts ends the session: there is no other way on. */
export const baseQuery: BaseQueryFn<FetchArgs, unknown, Failure> = async (
  request,
  context,
  options,
) => {
  const address = { ...request, url: config().apiUrl + request.url };
  const { data, error, meta } = await send(address, context, options);
  if (!error) return { data };

  const failure = describe(error, meta);
  if (failure.status === 401) context.dispatch(sessionExpired());
  return { error: failure };
};

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
