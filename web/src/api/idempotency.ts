import { useCallback, useRef } from 'react';

/**
 * Gives each body that is sent an `Idempotency-Key`, and the same body the same key: a double tap, or
 * another try after a lost answer, then makes nothing twice.
 */
export function keysByBody(newKey: () => string = () => crypto.randomUUID()) {
  let last: { body: string; key: string } | undefined;

  return (body: unknown): string => {
    const text = JSON.stringify(body);
    if (last?.body !== text) last = { body: text, key: newKey() };
    return last.key;
  };
}

/** The same for a component, for as long as it is there. */
export function useIdempotencyKey(): (body: unknown) => string {
  const keys = useRef<ReturnType<typeof keysByBody>>(undefined);

  return useCallback((body: unknown) => {
    keys.current ??= keysByBody();
    return keys.current(body);
  }, []);
}
