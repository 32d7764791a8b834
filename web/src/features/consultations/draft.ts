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

/** A text of another form, by the form's name. */
const TEXT_KEY = 'wenzhen.draft.text.';

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
  store(KEY, JSON.stringify({ ...loadDraft(storage), ...part }), storage);
}

/** The consultation was sent. */
export function clearDraft(storage: Storage = sessionStorage): void {
  storage.removeItem(KEY);
}

/** What was written into a form of one text, such as a message to a consultation. */
export function loadText(form: string, storage: Storage = sessionStorage): string | undefined {
  return storage.getItem(TEXT_KEY + form) ?? undefined;
}

/** Keeps it; an empty text is none. */
export function saveText(form: string, text: string, storage: Storage = sessionStorage): void {
  if (text === '') storage.removeItem(TEXT_KEY + form);
  else store(TEXT_KEY + form, text, storage);
}

/** Says who writes from now on. A draft of somebody else, whose session ended, is not theirs to see. */
export function claimDraft(userId: string, storage: Storage = sessionStorage): void {
  if (storage.getItem(OWNER_KEY) !== userId) clearDrafts(storage);
  storage.setItem(OWNER_KEY, userId);
}

/** Leaves nothing that was written. */
export function clearDrafts(storage: Storage = sessionStorage): void {
  const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '');
  for (const key of keys) {
    if (key === KEY || key.startsWith(TEXT_KEY)) storage.removeItem(key);
  }
}

/** What is too much for a tab's storage is not kept; an older part of it would be taken for all. */
function store(key: string, text: string, storage: Storage): void {
  try {
    storage.setItem(key, text);
  } catch {
    storage.removeItem(key);
  }
}
