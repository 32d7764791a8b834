import { useRef } from 'react';
import type { Locale } from './types';

/** Where the key of a try is kept, as text, until the try has an answer. */
export interface KeptKey {
  load: () => string | undefined;
  save: (text: string) => void;
  drop: () => void;
}

/** A try that has got no answer yet. */
interface Attempt {
  /** Of the body, so that another body gets another key. */
  hash: string;
  key: string;
  /** The language that the first try asked for. */
  locale?: Locale;
}

/**
 * Gives each body that is sent an `Idempotency-Key`, and the same body the same key: a double tap, or
 * another try after a lost answer, also behind a reload, then makes nothing twice. The key must be
 * dropped when the answer is there: the same words again are then meant.
 */
export function keysByBody(kept: KeptKey, newKey: () => string = () => crypto.randomUUID()) {
  // A tab whose storage is full keeps nothing.
  let last: Attempt | undefined;

  return {
    /**
     * The key of a body without its `locale`, and the locale to send with it. It is that of the first
     * try: who has changed the page's language meanwhile still means the same.
     */
    keyOf(body: unknown, locale?: Locale): { key: string; locale?: Locale } {
      const hash = hashOf(JSON.stringify(body));
      const before = last ?? read(kept.load());
      last = before?.hash === hash ? before : { hash, key: newKey(), ...(locale && { locale }) };
      kept.save(JSON.stringify(last));
      return last;
    },

    drop(): void {
      last = undefined;
      kept.drop();
    },
  };
}

/** The same for a component, for as long as it is there. */
export function useIdempotencyKeys(kept: KeptKey) {
  const keys = useRef<ReturnType<typeof keysByBody>>(undefined);
  return () => (keys.current ??= keysByBody(kept));
}

function read(text: string | undefined): Attempt | undefined {
  try {
    const value = JSON.parse(text ?? 'null') as Partial<Attempt> | null;
    return value?.hash && value.key ? (value as Attempt) : undefined;
  } catch {
    return undefined;
  }
}

/** FNV-1a of 64 bits: tells bodies apart without keeping what they say. */
function hashOf(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16);
}
