import type { RejectionReason } from '../../api/types';

/** One file of the form, on its way to be an upload that is ready. */
export interface SentFile {
  /** Of this page alone, from before there is an `id`. */
  key: string;
  name: string;
  state: 'sending' | 'checking' | 'ready' | 'rejected' | 'failed';
  percent: number;
  id?: string;
  reason?: RejectionReason;
  why?: FailedWhy | undefined;
}

/** Why a file failed, where the person can do something about it. */
export type FailedWhy = 'upload.large' | 'upload.type' | 'upload.awaited';

export type FilesAction =
  | { type: 'chosen'; key: string; name: string }
  | { type: 'sent'; key: string; percent: number }
  | { type: 'accepted'; key: string; id: string }
  | { type: 'verified'; key: string }
  | { type: 'rejected'; key: string; reason?: RejectionReason }
  | { type: 'failed'; key: string; why?: FailedWhy }
  | { type: 'retried'; key: string }
  | { type: 'removed'; key: string };

/** What becomes of the files; a file that was removed meanwhile stays away. */
export function filesReducer(files: SentFile[], action: FilesAction): SentFile[] {
  if (action.type === 'chosen') {
    const { key, name } = action;
    return [...files, { key, name, state: 'sending', percent: 0 }];
  }
  if (action.type === 'removed') return files.filter(({ key }) => key !== action.key);

  return files.map((file) => (file.key === action.key ? change(file, action) : file));
}

type Change = Exclude<FilesAction, { type: 'chosen' | 'removed' }>;

function change(file: SentFile, action: Change): SentFile {
  switch (action.type) {
    case 'sent':
      return {
        ...file,
        percent: action.percent,
        state: action.percent < 100 ? 'sending' : 'checking',
      };
    case 'accepted':
      return { ...file, id: action.id };
    case 'verified':
      return { ...file, state: 'ready', percent: 100 };
    case 'rejected':
      return { ...file, state: 'rejected', ...(action.reason && { reason: action.reason }) };
    case 'failed':
      return { ...file, state: 'failed', why: action.why };
    case 'retried':
      return { ...file, state: 'sending' };
  }
}

/** The uploads that a consultation may take along. */
export function readyFiles(files: readonly SentFile[]): { id: string; name: string }[] {
  return files.flatMap(({ id, name, state }) => (id && state === 'ready' ? [{ id, name }] : []));
}

/** Whether the same file may go through at another try. */
export function mayRetry({ state, why }: SentFile): boolean {
  return state === 'failed' && why !== 'upload.large' && why !== 'upload.type';
}

export function isUnderWay({ state }: SentFile): boolean {
  return state === 'sending' || state === 'checking';
}
