import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import type { Locale } from '../api/types';

export type Theme = 'light' | 'dark';

/** How the client looks. Nothing of a person: it may outlive the session. */
export interface Preferences {
  language: Locale;
  theme: Theme;
}

const KEY = 'wenzhen.preferences';

const preferencesSlice = createSlice({
  name: 'preferences',
  initialState: loadPreferences,
  reducers: {
    languageChosen: (state, { payload }: PayloadAction<Locale>) => {
      state.language = payload;
    },
    themeChosen: (state, { payload }: PayloadAction<Theme>) => {
      state.theme = payload;
    },
  },
});

/** What was chosen on this device; else what the browser says. */
function loadPreferences(): Preferences {
  const language = navigator.language.startsWith('zh') ? 'zh' : 'en';
  const theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';

  try {
    const chosen = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Preferences>;
    return { language, theme, ...chosen };
  } catch {
    return { language, theme };
  }
}

/** Keeps what was chosen; without a choice the browser's own settings go on to count. */
export function savePreference(part: Partial<Preferences>): void {
  const chosen = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Preferences>;
  localStorage.setItem(KEY, JSON.stringify({ ...chosen, ...part }));
}

export const { languageChosen, themeChosen } = preferencesSlice.actions;
export const preferencesReducer = preferencesSlice.reducer;
