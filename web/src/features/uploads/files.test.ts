import { beforeEach, describe, expect, it, vi } from 'vitest';
import { config } from '../../app/config';
import {
  filesReducer,
  isUnderWay,
  mayRetry,
  readyFiles,
  type FilesAction,
  type SentFile,
} from './files';
import { faultOf, mostInWords, typeOf } from './rules';

vi.mock('../../app/config', () => ({ config: vi.fn() }));

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

  it('that failed may be sent once more, unless it would be refused again', () => {
    const failed = run(chosen, { type: 'failed', key: 'a' });
    expect(failed.some(mayRetry)).toBe(true);

    const again = filesReducer(failed, { type: 'retried', key: 'a' });
    expect(again).toMatchObject([{ state: 'sending' }]);
    expect(again.some(mayRetry)).toBe(false);

    const refused = filesReducer(again, { type: 'failed', key: 'a', why: 'upload.large' });
    expect(refused).toMatchObject([{ state: 'failed', why: 'upload.large' }]);
    expect(refused.some(mayRetry)).toBe(false);
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

  const deploy = (uploadMaxBytes?: number) => {
    const settings = uploadMaxBytes === undefined ? {} : { uploadMaxBytes };
    vi.mocked(config).mockReturnValue(settings as ReturnType<typeof config>);
  };
  beforeEach(() => {
    deploy();
  });

  it('take as much as the deployment does', () => {
    const large = file('ct.dcm', '', 101 * 1024 * 1024);
    expect(faultOf(large)).toBe('upload.large');
    expect(mostInWords()).toBe('100 MB');

    deploy(5 * 1024 ** 3);
    expect(faultOf(large)).toBeUndefined();
    expect(faultOf(file('a.png', 'image/png', 31 * 1024 * 1024))).toBe('upload.large');
    expect(mostInWords()).toBe('5 GB');
  });

  it('refuse what the API would refuse', () => {
    expect(faultOf(file('a.heic', 'image/heic', 10))).toBe('upload.type');
    expect(faultOf(file('a.png', 'image/png', 31 * 1024 * 1024))).toBe('upload.large');
    expect(faultOf(file('a.pdf', 'application/pdf', 31 * 1024 * 1024))).toBeUndefined();
  });
});
