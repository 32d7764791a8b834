import { useCallback, useEffect, useReducer, useRef } from 'react';
import { useAppDispatch } from '../../app/hooks';
import { filesReducer, type SentFile } from './files';
import { sendFile, whyFailed, type Sending } from './sendFile';
import { uploadsApi } from './uploadsApi';

/** A file that is sent, or was and can be once more. */
interface Running extends Sending {
  abort: AbortController;
}

/** Files on their way to the API, each by itself: one that fails holds up no other. */
export function useFiles(initial: () => SentFile[]) {
  const dispatch = useAppDispatch();
  const [files, change] = useReducer(filesReducer, undefined, initial);
  const running = useRef(new Map<string, Running>());

  // Links need no token: what is on its way would go on when the page is left, or the person.
  useEffect(() => {
    const ofPage = running.current;
    return () => {
      for (const { abort } of ofPage.values()) abort.abort();
    };
  }, []);

  const send = useCallback(
    async (sending: Running) => {
      const { key, abort } = sending;
      try {
        await sendFile(sending, { dispatch, change, signal: abort.signal });
        running.current.delete(key);
      } catch (error) {
        const why = whyFailed(error);
        change({ type: 'failed', key, ...(why && { why }) });
      }
    },
    [dispatch],
  );

  const add = useCallback(
    (file: File) => {
      const key = crypto.randomUUID();
      const sending = { key, file, doneParts: new Set<number>(), abort: new AbortController() };
      running.current.set(key, sending);
      change({ type: 'chosen', key, name: file.name });
      void send(sending);
    },
    [send],
  );

  const retry = useCallback(
    ({ key }: SentFile) => {
      const sending = running.current.get(key);
      if (!sending) return;
      change({ type: 'retried', key });
      void send(sending);
    },
    [send],
  );

  const remove = useCallback(
    ({ key, id }: SentFile) => {
      running.current.get(key)?.abort.abort();
      running.current.delete(key);
      change({ type: 'removed', key });
      if (id) void dispatch(uploadsApi.endpoints.removeUpload.initiate(id));
    },
    [dispatch],
  );

  return { files, add, retry, remove };
}
