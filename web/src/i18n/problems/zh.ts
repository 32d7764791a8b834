import type { Failure } from '../../api/failure';
import { DEPENDENCIES, DETAILS, FIELDS, LIMITS, RULES, STATUSES } from './zhSentences';

/** What a problem says, for a reader of Chinese. */
export interface Explained {
  text: string;
  /** Whether it says all that the API's own words say; else those stand beside it. */
  isWhole: boolean;
}

/** The problem in Chinese with the next step, as exactly as what the API sends can be told. */
export function explain(failure: Failure): Explained | undefined {
  const byFields = explainFields(failure);
  if (byFields) return byFields;

  const text = translate(DETAILS, ownDetail(failure));
  if (text) return { text, isWhole: true };

  const byStatus = STATUSES[failure.status ?? 0];
  return byStatus ? { text: byStatus, isWhole: !failure.detail } : undefined;
}

/** The rule that a value breaks; none if the API has another one by now. */
export function explainRule(message: string): string | undefined {
  return translate(RULES, message);
}

/** Advice to the patient is shown by itself, and the detail begins with it. */
function ownDetail({ detail = '', advice }: Failure): string {
  return advice && detail.startsWith(advice) ? detail.slice(advice.length).trim() : detail;
}

function explainFields({ fields }: Failure): Explained | undefined {
  if (fields.length === 0) return undefined;

  const rules = fields.map(({ field, message }) => ({ field, rule: explainRule(message) }));
  const known = rules.filter(({ rule }) => rule !== undefined);
  if (known.length === 0) return undefined;

  const text = known.map(({ field, rule }) => `${nameOf(field)}：${rule}`).join('；');
  return { text: `${text}。请更正后重试。`, isWhole: known.length === rules.length };
}

/** `attachments[0]` and `answers.cough` are called by what they are parts of. */
function nameOf(field: string): string {
  return FIELDS[field] ?? FIELDS[field.split(/[.[]/)[0] ?? ''] ?? field;
}

type Sentences = readonly (readonly [RegExp, string])[];

/** The first sentence that fits, with the parts of the English one in their places. */
function translate(sentences: Sentences, english: string): string | undefined {
  for (const [pattern, chinese] of sentences) {
    const found = pattern.exec(english);
    if (found) return chinese.replaceAll(/\{(\d)\}/g, (_, at: string) => inChinese(found, at));
  }
  return undefined;
}

function inChinese(found: RegExpExecArray, at: string): string {
  const part = found[Number(at)] ?? '';
  return LIMITS[part] ?? DEPENDENCIES[part] ?? part.replaceAll(', ', '、').replace(' or ', '或');
}
