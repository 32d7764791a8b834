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

/**
 * Opens a link that is still to be asked for. Browsers let a tab be opened at the tap alone, so it is
 * there before its address. Where they let none be opened, the address is returned, for another tap.
 */
export async function openWhenKnown(
  read: () => Promise<string | undefined>,
): Promise<string | undefined> {
  const tab = window.open('', '_blank');
  if (tab) tab.opener = null;

  const url = await read().catch(() => undefined);
  if (!tab) return url;
  if (url) tab.location.replace(url);
  else tab.close();
  return undefined;
}
