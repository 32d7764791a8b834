import type { Answer, Question, Urgency } from '../../api/types';

/** An answer that was given, and why it could not be sent. */
export interface Given {
  value: Answer;
  error?: unknown;
}

export type GivenAnswers = Partial<Record<string, Given>>;

/** The most alarming answer to a question stands, so only a more alarming one changes anything. */
const ALARM: Record<Answer, number> = { no: 0, unsure: 1, yes: 2 };

/** Whether a row takes this answer: a mistaken “no” can become a “yes”. The given one stays as it is. */
export function isOpenTo(given: Given | undefined, value: Answer): boolean {
  return !given || ALARM[value] >= ALARM[given.value];
}

/** In an emergency nothing is asked. What could not be sent stays, so that it is not lost unsaid. */
export function rowsOf(questions: Question[], given: GivenAnswers, urgency: Urgency): Question[] {
  if (urgency !== 'emergency') return questions;
  return questions.filter(({ code }) => given[code]?.error);
}
