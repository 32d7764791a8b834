import type { AcceptedUpload } from '../../api/types';

/**
 * Sends a file with the signed form, straight to the object storage. `fetch` tells no progress of what
 * is sent, so this is an `XMLHttpRequest`.
 */
export function sendForm(
  form: NonNullable<AcceptedUpload['form']>,
  file: File,
  onProgress: (percent: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const body = new FormData();
  for (const [name, value] of Object.entries(form.fields)) body.append(name, value);
  body.append('file', file);

  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.upload.onprogress = ({ loaded, total }) => {
      onProgress(Math.min(99, Math.floor((loaded / total) * 100)));
    };
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve();
      else reject(new Error(`the storage has answered ${request.status}`));
    };
    request.onerror = () => {
      reject(new Error('the storage cannot be reached'));
    };
    request.onabort = () => {
      reject(new Error('the file was removed'));
    };

    signal.addEventListener('abort', () => {
      request.abort();
    });
    request.open('POST', form.url);
    request.send(body);
  });
}
