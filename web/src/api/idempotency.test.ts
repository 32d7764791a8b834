import { describe, expect, it } from 'vitest';
import { keysByBody } from './idempotency';

/** What a tab keeps of one form. */
function keptText() {
  let text: string | undefined;
  return {
    load: () => text,
    save: (changed: string) => {
      text = changed;
    },
    drop: () => {
      text = undefined;
    },
  };
}

/** A form of a page that has just been loaded; keys are counted. */
function formOf(kept: ReturnType<typeof keptText>, prefix = 'key') {
  let count = 0;
  return keysByBody(kept, () => `${prefix}-${++count}`);
}

describe('the key of a body', () => {
  it('is the same for the same body, and another one for another body', () => {
    const form = formOf(keptText());
    expect(form.keyOf({ text: 'a' }).key).toBe('key-1');
    expect(form.keyOf({ text: 'a' }).key).toBe('key-1');
    expect(form.keyOf({ text: 'b' }).key).toBe('key-2');
    expect(form.keyOf({ text: 'a' }).key).toBe('key-3');
  });

  it('outlives a reload, and nothing of the body is kept', () => {
    const kept = keptText();
    formOf(kept).keyOf({ text: 'a sore throat' });
    expect(kept.load()).not.toContain('throat');
    expect(formOf(kept, 'later').keyOf({ text: 'a sore throat' }).key).toBe('key-1');
    expect(formOf(kept, 'later').keyOf({ text: 'a rash' }).key).toBe('later-1');
  });

  it('is another one behind an answer, also for the same words', () => {
    const kept = keptText();
    const form = formOf(kept);
    form.keyOf({ text: 'a' });
    form.drop();
    expect(form.keyOf({ text: 'a' }).key).toBe('key-2');
    form.drop();
    expect(formOf(kept, 'later').keyOf({ text: 'a' }).key).toBe('later-1');
  });

  it('stays, as does the locale, when the page is read in another language', () => {
    const kept = keptText();
    expect(formOf(kept).keyOf({ text: 'a' }, 'en')).toMatchObject({ key: 'key-1', locale: 'en' });
    expect(formOf(kept).keyOf({ text: 'a' }, 'zh')).toMatchObject({ key: 'key-1', locale: 'en' });
    expect(formOf(kept).keyOf({ text: 'b' }, 'zh').locale).toBe('zh');
  });

  it('is kept for the page where the tab keeps nothing, or nothing that can be read', () => {
    const form = formOf({ ...keptText(), load: () => '{' });
    expect(form.keyOf({ text: 'a' }).key).toBe('key-1');
    expect(form.keyOf({ text: 'a' }).key).toBe('key-1');
  });
});
