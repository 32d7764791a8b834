import type { Sex } from '../../api/types';

/** What was written and not yet sent. It survives a reload, and ends with the tab or at sign-out. */
export interface Draft {
  symptoms?: string;
  age?: number | null;
  sex?: Sex;
  history?: string;
  /** Uploads that are ready, by their ids. */
  attachments?: { id: string; name: string }[];
}

const KEY = 'wenzhen.draft';
const OWNER_KEY = 'wenzhen.draft.owner';

/** The draft of this tab; an empty one if there is none or it cannot be read. */
export function loadDraft(storage: Storage = sessionStorage): Draft {
  try {
    const value: unknown = JSON.parse(storage.getItem(KEY) ?? '{}');
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** Changes a part of the draft. */
export function saveDraft(part: Draft, storage: Storage = sessionStorage): void {
  storage.setItem(KEY, JSON.stringify({ ...loadDraft(storage), ...part }));
}

/** Says who writes from now on. A draft of somebody else, whose session ended, is not theirs to see. */
export function claimDraft(userId: string, storage: Storage = sessionStorage): void {
  if (storage.getItem(OWNER_KEY) !== userId) clearDrafts(storage);
  storage.setItem(OWNER_KEY, userId);
}

export function clearDrafts(storage: Storage = sessionStorage): void {
  storage.removeItem(KEY);
}
