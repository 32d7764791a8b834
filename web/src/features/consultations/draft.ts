import type { KeptKey } from '../../api/idempotency';
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

/** The `Idempotency-Key` of a form's last try, by the form's name. */
const ATTEMPT_KEY = 'wenzhen.draft.attempt.';

/** A text of another form, by the form's name. */
const TEXT_KEY = 'wenzhen.draft.text.';

/** The draft of this tab; an empty one if there is none or it cannot be read. */
export function loadDraft(storage: Storage = sessionStorage): Draft {
  return readObject(storage.getItem(KEY)) ?? {};
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

/** What was written into a form of several fields. */
export function loadFields<Fields>(
  form: string,
  storage: Storage = sessionStorage,
): Partial<Fields> | undefined {
  return readObject(storage.getItem(TEXT_KEY + form));
}

/** Keeps it. */
export function saveFields(form: string, fields: object, storage: Storage = sessionStorage): void {
  store(TEXT_KEY + form, JSON.stringify(fields), storage);
}

/** Where the `Idempotency-Key` of a form is kept: beside what is written there, and as long. */
export function keptKey(form: string, storage: Storage = sessionStorage): KeptKey {
  const key = ATTEMPT_KEY + form;
  return {
    load: () => storage.getItem(key) ?? undefined,
    save: (text) => {
      store(key, text, storage);
    },
    drop: () => {
      storage.removeItem(key);
    },
  };
}

/** Leaves nothing that was written to a consultation. */
export function clearDraftsOf(id: string, storage: Storage = sessionStorage): void {
  removeKeys((key) => key.startsWith(KEY) && key.endsWith(`.${id}`), storage);
}

/** Says who writes from now on. A draft of somebody else, whose session ended, is not theirs to see. */
export function claimDraft(userId: string, storage: Storage = sessionStorage): void {
  if (storage.getItem(OWNER_KEY) !== userId) clearDrafts(storage);
  storage.setItem(OWNER_KEY, userId);
}

/** Leaves nothing that was written, nor who has written it. */
export function clearDrafts(storage: Storage = sessionStorage): void {
  removeKeys((key) => key.startsWith(KEY), storage);
}

function removeKeys(isMeant: (key: string) => boolean, storage: Storage): void {
  const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '');
  for (const key of keys.filter(isMeant)) storage.removeItem(key);
}

function readObject(text: string | null): object | undefined {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
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
