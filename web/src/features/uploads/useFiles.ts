import { useCallback, useEffect, useReducer, useRef } from 'react';
import { useAppDispatch } from '../../app/hooks';
import { filesReducer, type SentFile } from './files';
import { abandon, sendFile, whyFailed, type Sending } from './sendFile';
import { uploadsApi } from './uploadsApi';

/** A file that is sent, or was and can be once more. */
interface Running extends Sending {
  abort: AbortController;
  isSending: boolean;
}

/** Files on their way to the API, each by itself: one that fails holds up no other. */
export function useFiles(initial: () => SentFile[]) {
  const dispatch = useAppDispatch();
  const [files, change] = useReducer(filesReducer, undefined, initial);
  const running = useRef(new Map<string, Running>());

  // Links need no token: what is on its way would go on when the page is left, or the person. The
  // API would go on to await it, too. What is ready is the draft's, and stays.
  useEffect(() => {
    const ofPage = running.current;
    return () => {
      for (const sending of ofPage.values()) {
        sending.abort.abort();
        abandon(sending, dispatch);
      }
    };
  }, [dispatch]);

  const send = useCallback(
    async (sending: Running) => {
      const { key, abort } = sending;
      if (sending.isSending) return; // a second tap on "try again", before the page has changed
      sending.isSending = true;
      try {
        await sendFile(sending, { dispatch, change, signal: abort.signal });
        running.current.delete(key);
      } catch (error) {
        const why = whyFailed(error);
        change({ type: 'failed', key, ...(why && { why }) });
      } finally {
        sending.isSending = false;
      }
    },
    [dispatch],
  );

  const add = useCallback(
    (file: File) => {
      const key = crypto.randomUUID();
      const abort = new AbortController();
      const sending = { key, file, doneParts: new Set<number>(), abort, isSending: false };
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
      const sending = running.current.get(key);
      running.current.delete(key);
      change({ type: 'removed', key });

      sending?.abort.abort();
      if (sending) abandon(sending, dispatch);
      else if (id) void dispatch(uploadsApi.endpoints.removeUpload.initiate(id));
    },
    [dispatch],
  );

  return { files, add, retry, remove };
}
