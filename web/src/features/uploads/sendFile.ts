import { isFailure, type Failure } from '../../api/failure';
import type { AcceptedUpload, PartLinks, UploadRequest } from '../../api/types';
import type { AppDispatch } from '../../app/store';
import type { FailedWhy, FilesAction } from './files';
import { typeOf } from './rules';
import { isPassing as isPassingRefusal, StorageRefusal, transmit } from './transmit';
import { uploadsApi } from './uploadsApi';

/** Between two looks at an upload that is being verified: at first, and at most. */
const FIRST_LOOK_MS = 1000;
const LONGEST_LOOK_MS = 5000;

/** A verification that takes longer has failed for the person who waits; parts may have gigabytes. */
const MOST_MS = { form: 2 * 60_000, parts: 20 * 60_000 };

/** The longest that the limit of a person's calls is waited out, in seconds, and how often. */
const LONGEST_WAIT_S = 60;
const MOST_REQUESTS = 3;

/** Tries to have the parts put together. It may be asked for at any time, and takes its own. */
const MOST_COMPLETIONS = 6;

/** A file on its way, which another try goes on with. */
export interface Sending {
  key: string;
  file: File;
  upload?: AcceptedUpload;
  doneParts: Set<number>;
}

interface Context {
  dispatch: AppDispatch;
  change: (action: FilesAction) => void;
  signal: AbortSignal;
}

/** Has the API accept a file, sends it to the storage, and waits until it was verified. */
export async function sendFile(sending: Sending, context: Context): Promise<void> {
  const { key, file } = sending;
  const { change, signal } = context;

  // A form is asked for anew, since its time is short; parts that have come are not sent again.
  if (sending.upload && !sending.upload.parts) abandon(sending, context.dispatch);
  sending.upload ??= await request(file, context);
  if (signal.aborted) {
    abandon(sending, context.dispatch); // it was given up before it had an id to be removed by
    signal.throwIfAborted();
  }
  const { id, form, parts } = sending.upload;
  change({ type: 'accepted', key, id });

  const onPercent = (percent: number) => {
    if (!signal.aborted) change({ type: 'sent', key, percent });
  };
  try {
    if (form) await sendForm(form, file, onPercent, signal);
    if (parts) {
      await sendInParts(sending, parts, onPercent, context);
      await complete(id, context);
    }
    onPercent(100);
    change({ key, ...(await verdict(id, MOST_MS[parts ? 'parts' : 'form'], context)) });
  } catch (error) {
    if (isLost(error)) abandon(sending, context.dispatch);
    throw error;
  }
}

/** Links that have ended, and an upload that is gone, bring nobody further. */
export function isLost(error: unknown): boolean {
  if (error instanceof StorageRefusal) return !isPassingRefusal(error);
  const failure = error instanceof CallFailed ? error.failure : undefined;
  return isFailure(failure) && [404, 409].includes(failure.status ?? 0);
}

/**
 * Ends an upload whose file does not come any more: it would be awaited, and counted, for minutes or
 * hours. Another try begins anew.
 */
export function abandon(sending: Sending, dispatch: AppDispatch): void {
  if (sending.upload) void dispatch(uploadsApi.endpoints.removeUpload.initiate(sending.upload.id));
  delete sending.upload;
  sending.doneParts.clear();
}

/** Why a file failed, if the person can do something about it. */
export function whyFailed(error: unknown): FailedWhy | undefined {
  const failure = error instanceof CallFailed ? error.failure : error;
  if (!isFailure(failure)) return undefined;
  if (failure.status === 429) return 'upload.awaited';

  const fields = failure.fields.map(({ field }) => field);
  if (fields.includes('size')) return 'upload.large';
  return fields.includes('content_type') ? 'upload.type' : undefined;
}

/** A limit of calls passes within seconds; one of awaited files does not. */
async function request(file: File, { dispatch, signal }: Context): Promise<AcceptedUpload> {
  // The API says of another type that it takes none such.
  const content_type = typeOf(file) as UploadRequest['content_type'];
  const body = { file_name: file.name, content_type, size: file.size };
  for (let tries = 1; ; tries++) {
    signal.throwIfAborted();
    const { data, error } = await dispatch(uploadsApi.endpoints.requestUpload.initiate(body));
    if (data) return data;

    const wait = isFailure(error) && error.status === 429 ? error.retryAfter : undefined;
    if (wait === undefined || wait > LONGEST_WAIT_S || tries === MOST_REQUESTS)
      throw new CallFailed(error);
    await sleep(wait * 1000);
  }
}

async function sendForm(
  form: NonNullable<AcceptedUpload['form']>,
  file: File,
  onPercent: (percent: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const body = new FormData();
  for (const [name, value] of Object.entries(form.fields)) body.append(name, value);
  body.append('file', file);

  const onProgress = (loaded: number, total: number) => {
    onPercent(Math.min(99, Math.floor((loaded / total) * 100)));
  };
  await transmit({ method: 'POST', url: form.url, body, onProgress, signal });
}

async function sendInParts(
  sending: Sending,
  links: PartLinks,
  onProgress: (percent: number) => void,
  { signal }: Context,
): Promise<void> {
  const { file, doneParts: done } = sending;
  const { sendParts } = await import('./sendParts');
  await sendParts({ links, file, transmit, onProgress, signal, done });
}

async function complete(id: string, { dispatch, signal }: Context): Promise<void> {
  for (let tries = 1; ; tries++) {
    signal.throwIfAborted();
    const { error } = await dispatch(uploadsApi.endpoints.completeUpload.initiate(id));
    if (!error) return;
    if (tries === MOST_COMPLETIONS || !isFailure(error) || !isPassing(error))
      throw new CallFailed(error);
    await sleep((error.retryAfter ?? tries) * 1000);
  }
}

/** Asks until the file was verified, ever less often: a person's calls are counted. */
async function verdict(id: string, most: number, { dispatch, signal }: Context) {
  const end = Date.now() + most;

  for (
    let pause = FIRST_LOOK_MS;
    Date.now() < end;
    pause = Math.min(pause * 1.5, LONGEST_LOOK_MS)
  ) {
    signal.throwIfAborted();
    const { data, error } = await dispatch(
      uploadsApi.endpoints.getUpload.initiate(id, { forceRefetch: true, subscribe: false }),
    );
    if (error && !(isFailure(error) && isPassing(error))) throw new CallFailed(error);

    const { state, reason } = data ?? {};
    if (state === 'ready') return { type: 'verified' as const };
    if (state === 'rejected') return { type: 'rejected' as const, ...(reason && { reason }) };
    await sleep(isFailure(error) && error.retryAfter ? error.retryAfter * 1000 : pause);
  }
  throw new Error('the file was not verified in time');
}

/** A `Failure` is no `Error`: the store could not hold one. `whyFailed` reads it again. */
export class CallFailed extends Error {
  constructor(readonly failure: unknown) {
    super('the API has refused a call for the file');
  }
}

/** Whether the same call may succeed a little later. */
function isPassing({ kind, status = 0 }: Failure): boolean {
  return kind !== 'refused' || status === 429 || status >= 500;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
