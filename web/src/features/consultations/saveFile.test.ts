import { afterEach, expect, it, vi } from 'vitest';
import { saveFile } from './saveFile';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

it('what is saved stays readable behind the click, and is let go later', () => {
  vi.useFakeTimers();
  const link = { href: '', download: '', click: vi.fn() };
  vi.stubGlobal('document', { createElement: () => link });
  vi.spyOn(URL, 'createObjectURL').mockReturnValue('blob:1');
  const revoke = vi.spyOn(URL, 'revokeObjectURL').mockReturnValue();

  saveFile('consultation-1.json', { id: '1' });
  expect(link).toMatchObject({ href: 'blob:1', download: 'consultation-1.json' });
  expect(link.click).toHaveBeenCalledOnce();
  expect(revoke).not.toHaveBeenCalled();

  vi.runAllTimers();
  expect(revoke).toHaveBeenCalledWith('blob:1');
});
