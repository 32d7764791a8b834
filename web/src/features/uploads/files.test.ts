import { describe, expect, it } from 'vitest';
import { filesReducer, isUnderWay, readyFiles, type FilesAction, type SentFile } from './files';
import { faultOf, typeOf } from './rules';

const run = (...actions: FilesAction[]) => actions.reduce<SentFile[]>(filesReducer, []);
const chosen: FilesAction = { type: 'chosen', key: 'a', name: 'rash.jpg' };

describe('a file', () => {
  it('is sent, checked and ready', () => {
    const sent = run(
      chosen,
      { type: 'accepted', key: 'a', id: '1' },
      { type: 'sent', key: 'a', percent: 100 },
    );
    expect(sent[0]?.state).toBe('checking');
    expect(readyFiles(sent)).toEqual([]);

    const ready = filesReducer(sent, { type: 'verified', key: 'a' });
    expect(readyFiles(ready)).toEqual([{ id: '1', name: 'rash.jpg' }]);
    expect(ready.some(isUnderWay)).toBe(false);
  });

  it('that is rejected says why, and is not taken along', () => {
    const files = run(
      chosen,
      { type: 'accepted', key: 'a', id: '1' },
      { type: 'rejected', key: 'a', reason: 'other_type' },
    );
    expect(files).toMatchObject([{ state: 'rejected', reason: 'other_type' }]);
    expect(readyFiles(files)).toEqual([]);
  });

  it('that was removed stays away', () => {
    expect(run(chosen, { type: 'removed', key: 'a' }, { type: 'verified', key: 'a' })).toEqual([]);
  });
});

describe('the rules', () => {
  const file = (name: string, type: string, size: number) => {
    const made = new File([], name, { type });
    Object.defineProperty(made, 'size', { value: size });
    return made;
  };

  it('know a DICOM file by its name', () => {
    expect(typeOf({ name: 'CT.DCM', type: '' })).toBe('application/dicom');
    expect(typeOf({ name: 'notes', type: '' })).toBe('');
  });

  it('refuse what the API would refuse', () => {
    expect(faultOf(file('a.heic', 'image/heic', 10))).toBe('upload.type');
    expect(faultOf(file('a.png', 'image/png', 31 * 1024 * 1024))).toBe('upload.large');
    expect(faultOf(file('a.pdf', 'application/pdf', 31 * 1024 * 1024))).toBeUndefined();
  });
});
