/** A part of the client that was asked for and did not come: the network is gone, or it is replaced. */
export class NotLoaded extends Error {}

/** Loads a part of the client; whoever shows the failure can tell it from a fault of the page. */
export async function load<T>(part: () => Promise<T>): Promise<T> {
  try {
    return await part();
  } catch (cause) {
    throw new NotLoaded('a part of the client could not be loaded', { cause });
  }
}
