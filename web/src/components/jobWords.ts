import { isTextKey, type Translate } from '../i18n/texts';

/** Why a job has failed; a code of tomorrow is shown as the API names it. */
export function reasonInWords(code: string, t: Translate): string {
  const key = `job.error.${code}`;
  return isTextKey(key) ? t(key) : code;
}
