/** A read that is on its way. */
interface Read {
  path: string;
  /** Whether something that it may tell of has changed since it was sent. */
  isStale: boolean;
}

/** However much changes meanwhile, a read is sent so many times at most. */
const MAX_SENDS = 3;

const underWay = new Set<Read>();

/** An answer, and whether what it tells of has changed since it was asked for. */
export interface FreshAnswer<Answer> {
  answer: Answer;
  isStale: boolean;
}

/**
 * Sends a read, and once more if what it tells of changed meanwhile: its answer may be from before. The
 * cache would show it until it is asked behind it, and of a first read it does not know that it should.
 * An answer that is none, or says when to come again, is not asked for again at once.
 */
export async function readFresh<Answer>(
  path: string,
  send: () => Promise<Answer>,
  mayBeAskedAgain: (answer: Answer) => boolean,
): Promise<FreshAnswer<Answer>> {
  for (let sends = 1; ; sends++) {
    const read: Read = { path, isStale: false };
    underWay.add(read);
    const answer = await send().finally(() => underWay.delete(read));
    const { isStale } = read;
    if (!isStale || sends === MAX_SENDS || !mayBeAskedAgain(answer)) return { answer, isStale };
  }
}

/** Says that what is at this path may have changed, with all below it and the list that it is in. */
export function noteChange(path: string): void {
  const resource = resourceOf(path);
  for (const read of underWay) {
    if (isWithin(read.path, resource) || isWithin(resource, read.path)) read.isStale = true;
  }
}

/** Of `/v1/consultations/7/answers` it is `/v1/consultations/7` that changes. */
function resourceOf(path: string): string {
  return path.split('/').slice(0, 4).join('/');
}

function isWithin(path: string, other: string): boolean {
  return path === other || path.startsWith(`${other}/`);
}
