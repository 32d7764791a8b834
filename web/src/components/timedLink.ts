/** A link that works without a token, until it ends. */
export interface TimedLink {
  url: string;
  expires_at: string;
}

/** So much of its time a link must have left, for a slow line and a clock that is not exact. */
const MARGIN_MS = 30_000;

export function isFresh({ expires_at }: TimedLink, now = Date.now()): boolean {
  return Date.parse(expires_at) - now > MARGIN_MS;
}

/** A link that was just read, of which no end is known: it is used soon, or read again. */
const SOON_MS = 2 * 60_000;

export function linkForNow(url: string, now = Date.now()): TimedLink {
  return { url, expires_at: new Date(now + SOON_MS).toISOString() };
}

/**
 * Opens a link that is still to be asked for. Browsers let a tab be opened at the tap alone, so it is
 * there before its address. Where they let none be opened, the address is returned, for another tap.
 */
export async function openWhenKnown(
  read: () => Promise<string | undefined>,
): Promise<string | undefined> {
  const tab = window.open('', '_blank');
  if (tab) {
    // It has got a copy of what this tab keeps, which no sign-out would reach.
    tab.sessionStorage.clear();
    tab.opener = null;
  }

  const url = await read().catch(() => undefined);
  if (!tab) return url;
  if (url) tab.location.replace(url);
  else tab.close();
  return undefined;
}
