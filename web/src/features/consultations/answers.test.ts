import { describe, expect, it } from 'vitest';
import { isOpenTo, rowsOf } from './answers';

describe('a row', () => {
  it('takes any answer at first, and then only a more alarming one', () => {
    const openTo = (value?: 'yes' | 'no' | 'unsure') =>
      (['no', 'unsure', 'yes'] as const).filter((answer) => isOpenTo(value && { value }, answer));

    expect(openTo()).toEqual(['no', 'unsure', 'yes']);
    expect(openTo('no')).toEqual(['no', 'unsure', 'yes']);
    expect(openTo('unsure')).toEqual(['unsure', 'yes']);
    expect(openTo('yes')).toEqual(['yes']);
  });

  it('stays in an emergency only if its answer could not be sent', () => {
    const question = (code: string) => ({ code, topic: 'general', text: code });
    const questions = [question('a'), question('b'), question('c')];
    const given = { a: { value: 'yes', error: 'lost' }, b: { value: 'yes' } } as const;

    expect(rowsOf(questions, given, 'urgent')).toEqual(questions);
    expect(rowsOf(questions, given, 'emergency')).toEqual([question('a')]);
  });
});
