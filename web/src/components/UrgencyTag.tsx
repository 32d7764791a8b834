import type { Urgency } from '../api/types';
import { useTexts } from '../i18n/texts';

export function UrgencyTag({ urgency }: { urgency: Urgency }) {
  const t = useTexts();
  return <span className={`tag tag-${urgency}`}>{t(`urgency.short.${urgency}`)}</span>;
}
