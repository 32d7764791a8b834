import type { Listing, Urgency } from '../../api/types';

/** What of the clinic's consultations is looked at. */
export interface ClinicFilter {
  /** Only what is still to be reviewed, or all. */
  isToReview: boolean;
  /** Only this urgency, or every one. */
  urgency?: Urgency | undefined;
}

/** The list that the API is asked for; one urgency has one order. */
export function listingOf({ isToReview, urgency }: ClinicFilter): Listing {
  return {
    ...(urgency ? { urgency } : { order: 'urgency' as const }),
    ...(isToReview && { reviewed: 'false' as const }),
  };
}

/** What an empty list says. */
export function emptyTextOf({ isToReview, urgency }: ClinicFilter) {
  if (isToReview) return urgency ? 'clinic.empty.review.urgency' : 'clinic.empty.review';
  return urgency ? 'clinic.empty.urgency' : 'clinic.empty';
}
