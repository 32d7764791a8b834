import { expect, it } from 'vitest';
import { sentencesOf } from './sentences';

it.each([
  ['', []],
  ['You may have a cold. Rest [1]. ', ['You may have a cold. ', 'Rest [1]. ']],
  ['可能是感冒。请休息！', ['可能是感冒。', '请休息！']],
  ['He said “go.” Then', ['He said “go.” ', 'Then']],
  ['…', ['…']],
])('%j is read sentence by sentence', (text, sentences) => {
  expect(sentencesOf(text)).toEqual(sentences);
  expect(sentencesOf(text).join('')).toBe(text);
});
