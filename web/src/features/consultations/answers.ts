import type { Failure } from '../../api/failure';
import type { Answer, Question, Urgency } from '../../api/types';
import { loadFields, saveFields, saveText } from './draft';

/** An answer that was given, and why it could not be sent. */
export interface Given {
  value: Answer;
  error?: unknown;
}

export type GivenAnswers = Partial<Record<string, Given>>;

/** The page was left, or the session ended, before an answer was taken. */
const INTERRUPTED: Failure = { kind: 'interrupted', fields: [] };

type Unsent = Partial<Record<string, Answer>>;

/** The answers to a consultation's questions that are not taken yet, kept as a draft is. */
export function unsentAnswers(id: string, storage: Storage = sessionStorage) {
  const draft = `answers.${id}`;
  const load = (): Unsent => loadFields<Unsent>(draft, storage) ?? {};
  const save = (unsent: Unsent) => {
    if (Object.keys(unsent).length > 0) saveFields(draft, unsent, storage);
    else saveText(draft, '', storage);
  };

  return {
    /** As a page shows them that is opened again. */
    given(): GivenAnswers {
      const rows = Object.entries(load()).flatMap(([code, value]) =>
        value ? [[code, { value, error: INTERRUPTED }] as const] : [],
      );
      return Object.fromEntries(rows);
    },
    keep(code: string, value: Answer): void {
      save({ ...load(), [code]: value });
    },
    /** Those that the consultation has, whatever became of their answers. */
    dropTaken(taken: Unsent): void {
      const left = Object.entries(load()).filter(([code, value]) => !isMet(value, taken[code]));
      save(Object.fromEntries(left));
    },
    /** It was taken; a later one to the same question may be on its way. */
    drop(code: string, value: Answer): void {
      const { [code]: kept, ...others } = load();
      if (kept === value) save(others);
    },
  };
}

/** The most alarming answer to a question stands, so only a more alarming one changes anything. */
const ALARM: Record<Answer, number> = { no: 0, unsure: 1, yes: 2 };

/** Whether an answer says as much as the one that was given. */
function isMet(given: Answer | undefined, taken: Answer | undefined): boolean {
  return given !== undefined && taken !== undefined && ALARM[taken] >= ALARM[given];
}

/** What was given, without the failures of answers that the consultation has all the same. */
export function withTaken(given: GivenAnswers, taken: Unsent): GivenAnswers {
  const rows = Object.entries(given).map(([code, one]) => {
    return [code, one && isMet(one.value, taken[code]) ? { value: one.value } : one] as const;
  });
  return Object.fromEntries(rows);
}

/** Whether a row takes this answer: a mistaken “no” can become a “yes”. The given one stays as it is. */
export function isOpenTo(given: Given | undefined, value: Answer): boolean {
  return !given || ALARM[value] >= ALARM[given.value];
}

/** In an emergency nothing is asked. What could not be sent stays, so that it is not lost unsaid. */
export function rowsOf(questions: Question[], given: GivenAnswers, urgency: Urgency): Question[] {
  if (urgency !== 'emergency') return questions;
  return questions.filter(({ code }) => given[code]?.error);
}
