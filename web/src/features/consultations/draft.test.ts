import { beforeEach, describe, expect, it } from 'vitest';
import {
  claimDraft,
  clearDraft,
  clearDrafts,
  clearDraftsOf,
  keptKey,
  loadDraft,
  loadFields,
  loadText,
  saveFields,
  saveDraft,
  saveText,
} from './draft';
import { TabStorage } from './tabStorage.fixture';

let storage: Storage;
beforeEach(() => {
  storage = new TabStorage();
});

describe('a draft', () => {
  it('is kept part by part', () => {
    saveDraft({ symptoms: 'cough' }, storage);
    saveDraft({ age: 7 }, storage);
    expect(loadDraft(storage)).toEqual({ symptoms: 'cough', age: 7 });
  });

  it('is there for the person who wrote it, and for nobody else', () => {
    claimDraft('anna', storage);
    saveDraft({ symptoms: 'cough' }, storage);

    claimDraft('anna', storage);
    expect(loadDraft(storage)).toEqual({ symptoms: 'cough' });
    claimDraft('ben', storage);
    expect(loadDraft(storage)).toEqual({});
  });

  it('that cannot be read is none', () => {
    storage.setItem('wenzhen.draft', '{');
    expect(loadDraft(storage)).toEqual({});
  });

  it('is gone once it was sent, and what was written elsewhere is not', () => {
    saveDraft({ symptoms: 'cough' }, storage);
    saveText('message.1', 'it is worse', storage);
    clearDraft(storage);
    expect(loadDraft(storage)).toEqual({});
    expect(loadText('message.1', storage)).toBe('it is worse');
  });
});

describe('the text of a form', () => {
  it('is kept by the form’s name until it is empty', () => {
    saveText('message.1', 'it is worse', storage);
    saveText('message.2', 'it is better', storage);
    expect(loadText('message.1', storage)).toBe('it is worse');

    saveText('message.1', '', storage);
    expect(loadText('message.1', storage)).toBeUndefined();
    expect(loadText('message.2', storage)).toBe('it is better');
  });

  it('is gone at sign-out, and for the next person', () => {
    for (const leave of [
      clearDrafts,
      (kept: Storage) => {
        claimDraft('ben', kept);
      },
    ]) {
      claimDraft('anna', storage);
      saveDraft({ symptoms: 'cough' }, storage);
      saveText('people', 'id,email', storage);
      saveText('message.1', 'it is worse', storage);
      keptKey('message.1', storage).save('key-1');
      leave(storage);
      expect(keptKey('message.1', storage).load()).toBeUndefined();
      expect([loadText('people', storage), loadText('message.1', storage)]).toEqual([
        undefined,
        undefined,
      ]);
      expect(loadDraft(storage)).toEqual({});
    }
  });

  it('of a consultation is gone with it, and that of another one is not', () => {
    saveText('message.1', 'it is worse', storage);
    keptKey('message.1', storage).save('key-1');
    saveFields('answers.1', { a: 'yes' }, storage);
    saveText('message.2', 'it is better', storage);
    clearDraftsOf('1', storage);
    expect(storage.length).toBe(1);
    expect(loadText('message.2', storage)).toBe('it is better');
  });

  it('may have several fields', () => {
    const fields = { title: 'Hay fever', content: '## What it is' };
    saveFields('document', fields, storage);
    expect(loadFields('document', storage)).toEqual(fields);

    saveText('document', '', storage);
    expect(loadFields('document', storage)).toBeUndefined();
  });

  it('says no more who has written it, once they have signed out', () => {
    claimDraft('anna', storage);
    saveText('people', 'id,email', storage);
    clearDrafts(storage);
    expect(storage.length).toBe(0);
  });

  it('that is too long for the tab is not kept, nor is its beginning', () => {
    saveText('people', 'id', storage);
    storage.setItem = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
    saveText('people', 'id,email', storage);
    expect(loadText('people', storage)).toBeUndefined();
  });
});
