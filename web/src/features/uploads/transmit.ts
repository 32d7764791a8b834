/** The storage has answered, and has not taken what was sent. */
export class StorageRefusal extends Error {
  constructor(readonly status: number) {
    super(`the storage has answered ${status}`);
  }
}

/** A lost line or a storage that is busy; a link that has ended stays ended. */
export function isPassing(error: unknown): boolean {
  return !(error instanceof StorageRefusal) || error.status === 408 || error.status >= 429;
}

export interface Transmission {
  method: 'POST' | 'PUT';
  url: string;
  body: FormData | Blob;
  /** Is told the bytes that are sent so far, of all that are to be sent. */
  onProgress: (loaded: number, total: number) => void;
  signal: AbortSignal;
}

export type Transmit = (transmission: Transmission) => Promise<void>;

/**
 * Sends something straight to the object storage. `fetch` tells no progress of what is sent, so this
 * is an `XMLHttpRequest`.
 */
export const transmit: Transmit = ({ method, url, body, onProgress, signal }) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => {
      request.abort();
    };
    request.upload.onprogress = ({ loaded, total }) => {
      onProgress(loaded, total);
    };
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve();
      else reject(new StorageRefusal(request.status));
    };
    request.onerror = () => {
      reject(new Error('the storage cannot be reached'));
    };
    request.onabort = () => {
      reject(new Error('the file was removed'));
    };
    request.onloadend = () => {
      signal.removeEventListener('abort', abort);
    };

    signal.throwIfAborted();
    signal.addEventListener('abort', abort);
    request.open(method, url);
    request.send(body);
  });
