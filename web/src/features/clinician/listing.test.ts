import { describe, expect, it } from 'vitest';
import { emptyTextOf, listingOf } from './listing';

describe('the clinic’s list', () => {
  it.each([
    [{ isToReview: true }, { order: 'urgency', reviewed: 'false' }],
    [
      { isToReview: true, urgency: 'urgent' as const },
      { urgency: 'urgent', reviewed: 'false' },
    ],
    [{ isToReview: false }, { order: 'urgency' }],
    [{ isToReview: false, urgency: 'urgent' as const }, { urgency: 'urgent' }],
  ])('of %j is asked for by %j', (filter, listing) => {
    expect(listingOf(filter)).toEqual(listing);
  });

  it('says by its filter what it is empty of', () => {
    const texts = [true, false].flatMap((isToReview) =>
      [undefined, 'urgent' as const].map((urgency) => emptyTextOf({ isToReview, urgency })),
    );
    expect(new Set(texts).size).toBe(4);
  });
});
