import type { components } from './schema';
import type { Urgency } from './types';

/** Why a call got no good answer, in a form that the store may hold. */
export interface Failure {
  /** `refused`: the API has answered with a problem. The others: no answer has come. */
  kind: 'refused' | 'unreachable' | 'timed_out' | 'interrupted';
  status?: number;
  title?: string;
  /** What is wrong and what to do next, in the API's words. */
  detail?: string;
  /** The call's id, to be quoted to the operator. */
  reference?: string;
  fields: FieldError[];
  /** Seconds until it is worth trying again. */
  retryAfter?: number;
  /** What the rules say of a message that was refused: it is to be shown. */
  urgency?: Urgency;
  advice?: string;
}

type Problem = components['schemas']['Problem'];
type FieldError = components['schemas']['FieldError'];

const URGENCIES: readonly string[] = ['self_care', 'routine', 'urgent', 'emergency'];

/** Reads an answer that is no success: an RFC 9457 problem, or the gateway's own words. */
export function readRefusal(status: number, body: unknown, retryAfter: string | null): Failure {
  const problem: Partial<Problem> = isObject(body) ? body : {};
  const failure: Failure = { kind: 'refused', status, fields: readFields(problem.errors) };

  if (typeof problem.title === 'string') failure.title = problem.title;
  if (typeof problem.detail === 'string') failure.detail = problem.detail;
  if (typeof problem.instance === 'string') failure.reference = problem.instance;
  if (isUrgency(problem.urgency)) failure.urgency = problem.urgency;
  if (typeof problem.advice === 'string') failure.advice = problem.advice;

  const seconds = readRetryAfter(retryAfter);
  if (seconds !== undefined) failure.retryAfter = seconds;
  return failure;
}

/** Seconds of a `Retry-After`, which is a number or a date. */
export function readRetryAfter(header: string | null, now = Date.now()): number | undefined {
  if (!header) return undefined;
  if (/^\d+$/.test(header)) return Number(header);

  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000));
}

function readFields(errors: unknown): FieldError[] {
  return Array.isArray(errors) ? errors.filter(isFieldError) : [];
}

function isFieldError(value: unknown): value is FieldError {
  return isObject(value) && typeof value.field === 'string' && typeof value.message === 'string';
}

function isUrgency(value: unknown): value is Urgency {
  return typeof value === 'string' && URGENCIES.includes(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Whether the API has answered that there is none, or none that the caller may know of. */
export function isNotFound(error: unknown): boolean {
  return isFailure(error) && error.status === 404;
}

/** Whether what a query or mutation was rejected with is one of ours. */
export function isFailure(value: unknown): value is Failure {
  return isObject(value) && typeof value.kind === 'string' && Array.isArray(value.fields);
}
