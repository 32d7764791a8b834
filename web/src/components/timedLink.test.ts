import { afterEach, expect, it, vi } from 'vitest';
import { isFresh, linkForNow, openWhenKnown } from './timedLink';

const at = (time: string) => Date.parse(`2026-01-01T00:${time}Z`);

afterEach(() => {
  vi.unstubAllGlobals();
});

/** What the browser lets the page open. */
function letOpen(tab: object | null) {
  vi.stubGlobal('window', { open: () => tab });
}

function openedTab(replace = vi.fn()) {
  const sessionStorage = { clear: vi.fn() };
  return { opener: {}, location: { replace }, close: vi.fn(), sessionStorage };
}

it('a link is used only while it works', () => {
  const link = { url: 'https://cdn.test/report', expires_at: '2026-01-01T00:10:00Z' };
  expect(isFresh(link, at('00:00'))).toBe(true);
  expect(isFresh(link, at('09:50'))).toBe(false);
  expect(isFresh(link, at('11:00'))).toBe(false);
});

it('a link of which no end is known is used at once, or asked for again', () => {
  const link = linkForNow('https://cdn.test/report', at('00:00'));
  expect(isFresh(link, at('00:20'))).toBe(true);
  expect(isFresh(link, at('05:00'))).toBe(false);
});

it('a link that is asked for opens in the tab of the tap, which cannot reach back', async () => {
  const replace = vi.fn();
  const tab = openedTab(replace);
  letOpen(tab);
  expect(await openWhenKnown(() => Promise.resolve('https://cdn.test/a'))).toBeUndefined();
  expect(replace).toHaveBeenCalledWith('https://cdn.test/a');
  expect(tab.opener).toBeNull();
  // A tab that is opened so begins with a copy of what this one keeps: drafts, too.
  expect(tab.sessionStorage.clear).toHaveBeenCalled();
});

it('no empty tab is left if there is no link', async () => {
  const tab = openedTab();
  letOpen(tab);
  await openWhenKnown(() => Promise.resolve(undefined));
  await openWhenKnown(() => Promise.reject(new Error('no network')));
  expect(tab.close).toHaveBeenCalledTimes(2);
});

it('where no tab may be opened, the link is there for another tap', async () => {
  letOpen(null);
  expect(await openWhenKnown(() => Promise.resolve('https://cdn.test/a'))).toBe(
    'https://cdn.test/a',
  );
});
