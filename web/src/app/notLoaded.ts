/** A part of the client that did not come: the network is gone, or there is a new version. */
export class NotLoaded extends Error {
  constructor(
    /** Whether it can be asked for again without a reload. */
    readonly mayBeAskedAgain: boolean,
    options?: ErrorOptions,
  ) {
    super('a part of the client could not be loaded', options);
  }
}

/**
 * Loads a part of the client; whoever shows the failure can tell it from a fault of the page. Without
 * a network it does not try: Chromium remembers that an import has failed until the next reload.
 */
export async function load<T>(
  part: () => Promise<T>,
  isOffline = () => 'onLine' in navigator && !navigator.onLine,
): Promise<T> {
  if (isOffline()) throw new NotLoaded(true);
  try {
    return await part();
  } catch (cause) {
    throw new NotLoaded(false, { cause });
  }
}

/** The same for React's `lazy`, which remembers a failure itself: only a reload asks again. */
export function loadOnce<T>(part: () => Promise<T>): Promise<T> {
  return load(part, () => false);
}
