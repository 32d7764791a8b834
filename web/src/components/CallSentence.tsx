import { useLanguage, useTexts, type TextKey } from '../i18n/texts';
import { firstNumber } from './emergency';

/** A sentence that names the number to call in an emergency: one tap calls it. */
export function CallSentence({ text }: { text: TextKey }) {
  const t = useTexts();
  const number = firstNumber(useLanguage());
  // The value is left out, so that its name marks the place of the link.
  const [before = '', behind = ''] = t(text).split('{number}');

  return (
    <>
      {before}
      <a className="call-link" href={`tel:${number}`}>
        {number}
      </a>
      {behind}
    </>
  );
}
