import { describe, expect, it } from 'vitest';
import { isOpenTo, rowsOf, unsentAnswers, withTaken } from './answers';
import { TabStorage } from './tabStorage.fixture';

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

describe('an answer that was not taken', () => {
  it('is there as one that was not sent, until it was', () => {
    const storage = new TabStorage();
    const unsent = unsentAnswers('c', storage);
    unsent.keep('a', 'yes');
    unsent.keep('b', 'no');
    unsent.drop('b', 'no');

    const opened = unsentAnswers('c', storage).given();
    expect(opened).toEqual({ a: { value: 'yes', error: { kind: 'interrupted', fields: [] } } });
    expect(unsentAnswers('other', storage).given()).toEqual({});
    unsent.drop('a', 'yes');
    expect(storage.length).toBe(0);
  });

  it('is no failure any more once the consultation has it, or a more alarming one', () => {
    const given = {
      a: { value: 'no', error: 'lost' },
      b: { value: 'yes', error: 'lost' },
    } as const;
    const taken = { a: 'unsure', b: 'no' } as const;
    expect(withTaken(given, taken)).toEqual({ a: { value: 'no' }, b: given.b });

    const unsent = unsentAnswers('c', new TabStorage());
    unsent.keep('a', 'no');
    unsent.keep('b', 'yes');
    unsent.dropTaken(taken);
    expect(Object.keys(unsent.given())).toEqual(['b']);
  });

  it('is not forgotten when an earlier one to the same question is taken', () => {
    const unsent = unsentAnswers('c', new TabStorage());
    unsent.keep('a', 'no');
    unsent.keep('a', 'yes');
    unsent.drop('a', 'no');
    expect(unsent.given()).toHaveProperty('a.value', 'yes');
  });
});
