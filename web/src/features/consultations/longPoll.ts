import { isFailure } from '../../api/failure';

/** Before a call that was refused is made again, if the API does not say when. */
const PAUSE_AFTER_FAILURE_S = 5;

/** Between two answers, if the API does not say how long: it holds the next one back by itself. */
const PAUSE_S = 1;

interface Answer {
  data?: { retryAfter?: number } | undefined;
  error?: unknown;
}

/** Seconds until it is worth asking again, which the API may say with a refusal and with an answer. */
export function secondsBeforeNext({ data, error }: Answer): number {
  if (error) return (isFailure(error) && error.retryAfter) || PAUSE_AFTER_FAILURE_S;
  return data?.retryAfter ?? PAUSE_S;
}
