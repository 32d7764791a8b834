import { useCallback } from 'react';
import type { Locale } from '../api/types';
import { useAppSelector } from '../app/hooks';
import { en, type CommonTextKey } from './en';
import type { StaffTextKey } from './staff/en';
import { zh } from './zh';

export type TextKey = CommonTextKey | StaffTextKey;

export type Values = Record<string, string | number>;
export type Translate = (key: TextKey, values?: Values) => string;

type Texts = Partial<Record<TextKey, string>>;

const TEXTS: Record<Locale, Texts> = { en: { ...en }, zh: { ...zh } };

/** Adds the texts of pages that not everybody opens (`staff/`). */
export function addTexts(more: Record<Locale, Texts>): void {
  Object.assign(TEXTS.en, more.en);
  Object.assign(TEXTS.zh, more.zh);
}

/** A text with its values put in; the value of no name stays as it is written. */
export function translate(language: Locale, key: TextKey, values: Values = {}): string {
  const text = TEXTS[language][key] ?? key;
  return text.replaceAll(/\{(\w+)\}/g, (written, name: string) => String(values[name] ?? written));
}

/** Whether there is a text by this name, which the API has made, such as a step's. */
export function isTextKey(key: string): key is TextKey {
  return key in TEXTS.en;
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
