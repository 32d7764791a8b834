/** Up to what ends a sentence, with what closes it and the white space behind. */
const SENTENCE = /[^.!?。！？…]*[.!?。！？…]+["'”’」』）)\]]*\s*|[^.!?。！？…]+$/gu;

/**
 * A text in its sentences, which together are the text again. A list that grows by sentences lets a
 * screen reader say the new ones alone. A cut too many, as in "38.5", is only a pause less or more.
 */
export function sentencesOf(text: string): string[] {
  return text.match(SENTENCE) ?? [];
}
