import { useCallback } from 'react';
import type { Locale } from '../api/types';
import { useAppSelector } from '../app/hooks';
import { en, type TextKey, type Texts } from './en';
import { zh } from './zh';

export type { TextKey } from './en';

export type Values = Record<string, string | number>;
export type Translate = (key: TextKey, values?: Values) => string;

const TEXTS: Record<Locale, Texts> = { en, zh };

/** A text with its values put in; the value of no name stays as it is written. */
export function translate(language: Locale, key: TextKey, values: Values = {}): string {
  return TEXTS[language][key].replaceAll(/\{(\w+)\}/g, (written, name: string) =>
    String(values[name] ?? written),
  );
}

/** Whether there is a text by this name, which the API has made, such as a step's. */
export function isTextKey(key: string): key is TextKey {
  return key in en;
}

export function useLanguage(): Locale {
  return useAppSelector((state) => state.preferences.language);
}

export function useTexts(): Translate {
  const language = useLanguage();
  return useCallback((key, values) => translate(language, key, values), [language]);
}

/** Writes times as the language does. */
export function useTimes(): (time: string) => string {
  const language = useLanguage();

  return useCallback(
    (time) =>
      new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(
        new Date(time),
      ),
    [language],
  );
}
