import { useSyncExternalStore } from 'react';

const narrow = matchMedia('(max-width: 48rem)');

function watch(changed: () => void): () => void {
  narrow.addEventListener('change', changed);
  return () => {
    narrow.removeEventListener('change', changed);
  };
}

/** Whether the screen has no room for a table. */
export function useNarrow(): boolean {
  return useSyncExternalStore(watch, () => narrow.matches);
}
