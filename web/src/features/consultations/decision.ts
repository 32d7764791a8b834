import type { Accepted, Answered, Consultation, Urgency } from '../../api/types';

/** From the least to the most urgent. */
const ORDER: readonly Urgency[] = ['self_care', 'routine', 'urgent', 'emergency'];

/** A consultation with the decision that answers to questions were answered with, in whatever order. */
export function withAnswered(before: Consultation, answered: Answered): Consultation {
  if (isOlder(answered, before)) return before;
  return { ...withDecision(before, answered), answers: answered.answers };
}

/**
 * A consultation with the job of a message, and with the decision that it was accepted with, unless
 * the urgency has risen since.
 */
export function withAccepted(before: Consultation, accepted: Accepted): Consultation {
  const { job_id, status, urgency } = accepted;
  const decided = isBelow(urgency, before.triage.urgency) ? before : withDecision(before, accepted);
  return { ...decided, job_id, status };
}

/** Answers only add up, and only raise: a decision on fewer of them, or a lesser one, is from before. */
function isOlder(
  { answers, urgency }: Answered,
  { answers: known, triage }: Consultation,
): boolean {
  const count = (of: object) => Object.keys(of).length;
  return count(answers) < count(known) || isBelow(urgency, triage.urgency);
}

/** The rules' decision in place of the one before. What a model has raised above it stays. */
function withDecision(before: Consultation, decision: Answered | Accepted): Consultation {
  const { urgency, advice, red_flags, read_as, questions } = decision;
  const triage = { urgency, advice, red_flags, ...(read_as && { read_as }) };
  return { ...before, triage, questions, urgency: greater(before.urgency, urgency) };
}

function isBelow(one: Urgency, other: Urgency): boolean {
  return ORDER.indexOf(one) < ORDER.indexOf(other);
}

function greater(one: Urgency, other: Urgency): Urgency {
  return isBelow(one, other) ? other : one;
}
