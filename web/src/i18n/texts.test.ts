import { expect, it, vi } from 'vitest';
import { en, type TextKey } from './en';
import { zh } from './zh';

vi.mock('../app/hooks', () => ({ useAppSelector: vi.fn() }));
const { translate } = await import('./texts');

it('puts values into both languages', () => {
  expect(translate('en', 'consultation.age', { age: 58 })).toBe('58 years');
  expect(translate('zh', 'consultation.age', { age: 58 })).toBe('58岁');
});

it('has the same values in both languages', () => {
  const names = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  const keys = Object.keys(en) as TextKey[];

  const other = keys.filter((key) => names(en[key]).join() !== names(zh[key]).join());
  expect(other).toEqual([]);
});
