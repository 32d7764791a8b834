import { useCallback } from 'react';
import type { Locale } from '../api/types';
import { useAppSelector } from '../app/hooks';
import type { ConsultationTextKey } from './consultation/en';
import { en, type CommonTextKey } from './en';
import type { StaffTextKey } from './staff/en';
import { zh } from './zh';

export type TextKey = CommonTextKey | ConsultationTextKey | StaffTextKey;

export type Values = Record<string, string | number>;
export type Translate = (key: TextKey, values?: Values) => string;

type Texts = Partial<Record<TextKey, string>>;

const TEXTS: Record<Locale, Texts> = { en: { ...en }, zh: { ...zh } };

/** Adds the texts of pages that are loaded by themselves (`consultation/`, `staff/`). */
export function addTexts(more: Record<Locale, Texts>): void {
  Object.assign(TEXTS.en, more.en);
  Object.assign(TEXTS.zh, more.zh);
}

/** `{name}`, and `{name:call|calls}` for the word that goes with one and with more. */
const PLACE = /\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g;

/** A text with its values put in; the value of no name stays as it is written. */
export function translate(language: Locale, key: TextKey, values: Values = {}): string {
  const text = TEXTS[language][key] ?? key;
  return text.replaceAll(PLACE, (written: string, name: string, one?: string, more?: string) => {
    const value = values[name];
    if (value === undefined) return written;
    if (one === undefined || more === undefined) return String(value);
    return value === 1 ? one : more;
  });
}

/** Whether there is a text by this name, which the API has made, such as a step's. */
export function isTextKey(key: string): key is TextKey {
  return key in TEXTS.en;
}

/** A language as `lang` takes it. */
export function tagOf(language: Locale): string {
  return language === 'zh' ? 'zh-CN' : 'en';
}

export function useLanguage(): Locale {
  return useAppSelector((state) => state.preferences.language);
}

export function useTexts(): Translate {
  const language = useLanguage();
  return useCallback((key, values) => translate(language, key, values), [language]);
}

/** English as the browser's own region writes it: the month does not stand first everywhere. */
export function regionOf(language: Locale, browser: readonly string[]): string {
  return (language === 'en' && browser.find((tag) => /^en(-|$)/i.test(tag))) || language;
}

/** Writes times as the language does. */
export function useTimes(): (time: string) => string {
  const language = useLanguage();

  return useCallback(
    (time) =>
      new Intl.DateTimeFormat(regionOf(language, navigator.languages), {
        dateStyle: 'medium',
        timeStyle: 'short',
      }).format(new Date(time)),
    [language],
  );
}
