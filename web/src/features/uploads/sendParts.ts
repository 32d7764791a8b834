import type { PartLinks } from '../../api/types';
import { pauseAfter } from '../realtime/backoff';
import { isPassing, type Transmit } from './transmit';

/** Parts on their way at one time: more would only share the line. */
const AT_ONCE = 3;

/** Tries of one part, over about two minutes: a phone may lose its network for a while. */
const MOST_TRIES = 9;

export interface PartsOptions {
  links: PartLinks;
  file: Blob;
  transmit: Transmit;
  onProgress: (percent: number) => void;
  signal: AbortSignal;
  /** The parts that have come already. Those that come are added, so that another call goes on. */
  done: Set<number>;
  pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** Sends a large file in its parts, some at once, each again if its line breaks. */
export async function sendParts(options: PartsOptions): Promise<void> {
  const { links, file, done, signal, onProgress } = options;
  const sentBytes = new Map([...done].map((part) => [part, bytesOf(part, links, file).size]));
  const waiting = [...links.urls.keys()].filter((part) => !done.has(part)).values();
  const stop = new AbortController();
  const stopAll = () => {
    stop.abort();
  };
  signal.addEventListener('abort', stopAll);

  /** Each takes the next part that nobody has. */
  const work = async () => {
    for (const part of waiting) {
      const tell = (bytes: number) => {
        sentBytes.set(part, bytes);
        onProgress(percentOf(sentBytes, file.size));
      };
      await sendPart(part, tell, { ...options, signal: stop.signal });
      done.add(part);
    }
  };

  try {
    signal.throwIfAborted();
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    // One that is lost for good ends the others: what they have sent is kept in `done`.
    stopAll();
    signal.removeEventListener('abort', stopAll);
  }
}

async function sendPart(
  part: number,
  tell: (bytes: number) => void,
  { links, file, transmit, signal, pause = pauseFor }: PartsOptions,
): Promise<void> {
  const body = bytesOf(part, links, file);
  const url = links.urls[part] ?? '';

  for (let tries = 1; ; tries++) {
    try {
      signal.throwIfAborted();
      await transmit({ method: 'PUT', url, body, signal, onProgress: tell });
      tell(body.size);
      return;
    } catch (error) {
      tell(0);
      if (signal.aborted || tries === MOST_TRIES || !isPassing(error)) throw error;
      await pause(pauseAfter(tries), signal);
    }
  }
}

function bytesOf(part: number, { part_size: size }: PartLinks, file: Blob): Blob {
  return file.slice(part * size, (part + 1) * size);
}

/** All sent is not all done: the last percent is the storage's, which puts the parts together. */
function percentOf(sent: Map<number, number>, size: number): number {
  const bytes = [...sent.values()].reduce((sum, of) => sum + of, 0);
  return Math.min(99, Math.floor((bytes / size) * 100));
}

function pauseFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
  });
}
