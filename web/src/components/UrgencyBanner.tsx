import { PhoneOutlined } from '@ant-design/icons';
import { forwardRef } from 'react';
import type { Locale, RedFlag, Urgency } from '../api/types';
import { useAppSelector } from '../app/hooks';
import { tagOf, useLanguage, useTexts } from '../i18n/texts';
import { emergencyNumbers } from './emergency';
import { SourceLink } from './SourceLink';

interface Props {
  urgency: Urgency;
  advice: string;
  /** The language of the advice and of the danger signs: the consultation's. */
  locale: Locale;
  redFlags?: readonly RedFlag[] | undefined;
  readAs?: readonly { written: string; read: string }[] | undefined;
}

/** How urgent it is and what to do now: the first thing that a patient sees, and the largest. */
export const UrgencyBanner = forwardRef<HTMLDivElement, Props>(function UrgencyBanner(
  { urgency, advice, locale, redFlags = [], readAs = [] },
  ref,
) {
  const t = useTexts();
  const isPatient = useAppSelector((state) => state.session.me?.role === 'patient');
  const role = urgency === 'emergency' ? 'alert' : 'status';

  return (
    <div
      // An alert is announced as it comes, and not where a status becomes one.
      key={role}
      ref={ref}
      className={`urgency urgency-${urgency}`}
      role={role}
      tabIndex={-1}
      data-urgency={urgency}
    >
      <p className="urgency-title">{t(`urgency.${urgency}`)}</p>
      {/* Before the advice, which may be long: they are seen without scrolling. */}
      {urgency === 'emergency' && isPatient && <CallButtons />}
      <p className="urgency-advice" lang={tagOf(locale)}>
        {advice}
      </p>
      {redFlags.length > 0 && <RedFlags redFlags={redFlags} locale={locale} />}
      {readAs.length > 0 && (
        <p className="urgency-small">
          {t('urgency.readAs', {
            words: readAs.map(({ written, read }) => `${written} → ${read}`).join(', '),
          })}
        </p>
      )}
    </div>
  );
});

function CallButtons() {
  const t = useTexts();
  const numbers = emergencyNumbers(useLanguage());

  return (
    <div className="calls">
      {numbers.map((number) => (
        <a key={number} className="call" href={`tel:${number}`}>
          <PhoneOutlined aria-hidden /> {t('urgency.call', { number })}
        </a>
      ))}
    </div>
  );
}

interface RedFlagsProps {
  redFlags: readonly RedFlag[];
  locale: Locale;
}

function RedFlags({ redFlags, locale }: RedFlagsProps) {
  const t = useTexts();
  return (
    <>
      <p className="urgency-small">{t('urgency.signs')}</p>
      <ul className="urgency-signs">
        {redFlags.map(({ code, label, status, source }) => (
          <li key={code}>
            <span lang={tagOf(locale)}>{label}</span>
            {status === 'uncertain' && ` (${t('urgency.uncertain')})`}
            {source && (
              <>
                {' '}
                <SourceLink source={source} />
              </>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}
