import { expect, it, vi } from 'vitest';
import { consultationEn } from './consultation/en';
import { consultationZh } from './consultation/zh';
import { en } from './en';
import { staffEn } from './staff/en';
import { staffZh } from './staff/zh';
import { zh } from './zh';

vi.mock('../app/hooks', () => ({ useAppSelector: vi.fn() }));
const { regionOf, translate } = await import('./texts');
await import('./consultation');

it('puts values into both languages', () => {
  expect(translate('en', 'consultation.age', { age: 58 })).toBe('58 years');
  expect(translate('zh', 'consultation.age', { age: 58 })).toBe('58岁');
});

it('has the word that goes with one and with more', () => {
  const more = (count: number) => translate('en', 'questions.more', { count });
  expect(more(1)).toBe('Show 1 more question');
  expect(more(2)).toBe('Show 2 more questions');
  expect(more(0)).toBe('Show 0 more questions');
});

it('writes times as the browser’s own English does', () => {
  expect(regionOf('en', ['de-DE', 'en-GB', 'en-US'])).toBe('en-GB');
  expect(regionOf('en', ['de-DE'])).toBe('en');
  expect(regionOf('zh', ['en-GB'])).toBe('zh');
});

it('has the same values in both languages', () => {
  const names = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  const english = Object.entries<string>({ ...en, ...consultationEn, ...staffEn });
  const chinese: Record<string, string> = { ...zh, ...consultationZh, ...staffZh };

  const other = english.filter(([key, text]) => {
    return names(text).join() !== names(chinese[key] ?? '').join();
  });
  expect(other).toEqual([]);
});

it('has the staff’s texts when one of their pages is there', async () => {
  expect(translate('en', 'users.title')).toBe('users.title');
  await import('./staff');
  expect(translate('en', 'users.title')).toBe('People');
  expect(translate('zh', 'users.title')).toBe('人员');
});
