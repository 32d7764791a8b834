import { describe, expect, it } from 'vitest';
import { readCsvFile } from './csvFile';

/** 李雷 in GBK. */
const LI_LEI = [0xc0, 0xee, 0xc0, 0xd7];

describe('a CSV file', () => {
  it('is read in UTF-8, with or without its mark', async () => {
    expect(await readCsvFile(new Blob(['\uFEFFid,李雷']))).toEqual({ text: 'id,李雷' });
    expect(await readCsvFile(new Blob(['id,李雷']))).toEqual({ text: 'id,李雷' });
  });

  it('is read as Excel saves it in Chinese', async () => {
    const bytes = Uint8Array.from([...new TextEncoder().encode('id,'), ...LI_LEI]);
    expect(await readCsvFile(new Blob([bytes]))).toEqual({ text: 'id,李雷' });
  });

  it.each([
    ['a workbook', new Blob([Uint8Array.from([0x50, 0x4b, 3, 4, 20, 0, 0, 0])])],
    ['a picture', new Blob([Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 16])])],
  ])('that is %s is none', async (_, file) => {
    expect(await readCsvFile(file)).toEqual({ fault: 'binary' });
  });

  it('that is endless is not read', async () => {
    const file = new Blob([new Uint8Array(4 * 1024 * 1024 + 1)]);
    expect(await readCsvFile(file)).toEqual({ fault: 'large' });
  });
});
