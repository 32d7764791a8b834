import type { ConsultationSummary, Urgency } from '../../api/types';

type Row = Pick<ConsultationSummary, 'id' | 'urgency'>;

/** A row's place in the list, with the urgency that it had when it took it. */
export interface Place {
  id: string;
  urgency: Urgency;
}

/** What the page shows of its list. */
export interface Shown {
  places: Place[];
  /** Whether it was read since the page was opened, and not taken from the cache. */
  isOfNow: boolean;
}

export interface Arranged<Item> {
  /** What is shown, each row where it was. */
  rows: Item[];
  /** What would move rows: new ones above the last, and those that are more urgent than before. */
  news: Item[];
  places: Place[];
}

/**
 * Puts a list that was read again into the places that its rows have. What is new below the last row
 * follows there, as a further page does; what is gone leaves. Without places all is shown as it is.
 */
export function arrange<Item extends Row>(
  places: readonly Place[] | undefined,
  items: readonly Item[],
): Arranged<Item> {
  if (!places) return { rows: [...items], news: [], places: items.map(placeOf) };

  const found = new Map(items.map((item, index) => [item.id, { item, index }]));
  const kept = places.filter(({ id }) => found.has(id));
  const last = Math.max(-1, ...kept.map(({ id }) => found.get(id)?.index ?? -1));
  const known = new Set(kept.map(({ id }) => id));
  const others = items.filter(({ id }) => !known.has(id));
  // Where nothing is shown, there is no last row: all that comes is new.
  const isBelow = ({ id }: Item) => last >= 0 && (found.get(id)?.index ?? -1) > last;

  const below = others.filter(isBelow);
  const rows = [...kept.flatMap(({ id }) => found.get(id)?.item ?? []), ...below];
  const raised = kept.flatMap(({ id, urgency }) => {
    const item = found.get(id)?.item;
    return item && item.urgency !== urgency ? [item] : []; // an urgency never falls
  });
  return {
    rows,
    news: [...others.filter((item) => !isBelow(item)), ...raised],
    places: [...kept, ...below.map(placeOf)],
  };
}

export function isSame(one: Shown | undefined, other: Shown): boolean {
  return (
    one?.isOfNow === other.isOfNow &&
    one.places.length === other.places.length &&
    one.places.every(({ id, urgency }, index) => {
      const place = other.places[index];
      return place?.id === id && place.urgency === urgency;
    })
  );
}

function placeOf({ id, urgency }: Row): Place {
  return { id, urgency };
}
