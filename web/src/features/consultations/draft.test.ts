import { beforeEach, describe, expect, it } from 'vitest';
import { claimDraft, clearDrafts, loadDraft, saveDraft } from './draft';

/** What a browser keeps for a tab. */
class TabStorage implements Storage {
  private readonly values = new Map<string, string>();

  get length(): number {
    return this.values.size;
  }
  clear(): void {
    this.values.clear();
  }
  getItem(key: string): string | null {
    return this.values.get(key) ?? null;
  }
  key(index: number): string | null {
    return [...this.values.keys()][index] ?? null;
  }
  removeItem(key: string): void {
    this.values.delete(key);
  }
  setItem(key: string, value: string): void {
    this.values.set(key, value);
  }
}

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

  it('is gone once it was sent', () => {
    saveDraft({ symptoms: 'cough' }, storage);
    clearDrafts(storage);
    expect(loadDraft(storage)).toEqual({});
  });
});
