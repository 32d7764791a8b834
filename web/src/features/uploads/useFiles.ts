import { useCallback, useReducer, useRef, type Dispatch } from 'react';
import { useAppDispatch } from '../../app/hooks';
import type { AppDispatch } from '../../app/store';
import { filesReducer, type FilesAction, type SentFile } from './files';
import { typeOf } from './rules';
import { sendForm } from './sendForm';
import { uploadsApi } from './uploadsApi';

/** Between two looks at an upload that is being verified. */
const LOOK_MS = 1000;

/** A verification that takes longer has failed for the person who waits. */
const MOST_LOOKS = 120;

/** Files on their way to the API, each by itself: one that fails holds up no other. */
export function useFiles(initial: () => SentFile[]) {
  const dispatch = useAppDispatch();
  const [files, change] = useReducer(filesReducer, undefined, initial);
  const running = useRef(new Map<string, AbortController>());

  const add = useCallback(
    (file: File) => {
      const key = crypto.randomUUID();
      const abort = new AbortController();
      running.current.set(key, abort);
      change({ type: 'chosen', key, name: file.name });

      send({ key, file, dispatch, change, signal: abort.signal })
        .catch(() => {
          change({ type: 'failed', key });
        })
        .finally(() => running.current.delete(key));
    },
    [dispatch],
  );

  const remove = useCallback(
    ({ key, id }: SentFile) => {
      running.current.get(key)?.abort();
      change({ type: 'removed', key });
      if (id) void dispatch(uploadsApi.endpoints.removeUpload.initiate(id));
    },
    [dispatch],
  );

  return { files, add, remove };
}

interface Sending {
  key: string;
  file: File;
  dispatch: AppDispatch;
  change: Dispatch<FilesAction>;
  signal: AbortSignal;
}

async function send({ key, file, dispatch, change, signal }: Sending): Promise<void> {
  const request = { file_name: file.name, content_type: typeOf(file), size: file.size };
  const { id, form } = await dispatch(
    uploadsApi.endpoints.requestUpload.initiate(request),
  ).unwrap();
  change({ type: 'accepted', key, id });

  const tell = (percent: number) => {
    change({ type: 'sent', key, percent });
  };
  // Larger files, which go in parts, are not chosen: files.ts bounds them.
  if (!form) throw new Error('the API gave no form for the file');
  await sendForm(form, file, tell, signal);
  tell(100);

  change({ key, ...(await verdict(id, dispatch, signal)) });
}

/** Asks until the file was verified. */
async function verdict(id: string, dispatch: AppDispatch, signal: AbortSignal) {
  for (let look = 0; look < MOST_LOOKS; look++) {
    signal.throwIfAborted();
    const { state, reason } = await dispatch(
      uploadsApi.endpoints.getUpload.initiate(id, { forceRefetch: true, subscribe: false }),
    ).unwrap();

    if (state === 'ready') return { type: 'verified' as const };
    if (state === 'rejected') return { type: 'rejected' as const, ...(reason && { reason }) };
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error('the file was not verified in time');
}
