import { PhoneOutlined } from '@ant-design/icons';
import type { RedFlag, Urgency } from '../api/types';
import { useLanguage, useTexts } from '../i18n/texts';
import { emergencyNumbers } from './emergency';
import { SourceLink } from './SourceLink';

interface Props {
  urgency: Urgency;
  advice: string;
  redFlags?: readonly RedFlag[] | undefined;
  readAs?: readonly { written: string; read: string }[] | undefined;
}

/** How urgent it is and what to do now: the first thing that a patient sees, and the largest. */
export function UrgencyBanner({ urgency, advice, redFlags = [], readAs = [] }: Props) {
  const t = useTexts();
  const role = urgency === 'emergency' ? 'alert' : 'status';

  return (
    <div className={`urgency urgency-${urgency}`} role={role} data-urgency={urgency}>
      <p className="urgency-title">{t(`urgency.${urgency}`)}</p>
      <p className="urgency-advice">{advice}</p>
      {urgency === 'emergency' && <CallButtons />}
      {redFlags.length > 0 && <RedFlags redFlags={redFlags} />}
      {readAs.length > 0 && (
        <p className="urgency-small">
          {t('urgency.readAs', {
            words: readAs.map(({ written, read }) => `${written} → ${read}`).join(', '),
          })}
        </p>
      )}
    </div>
  );
}

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

function RedFlags({ redFlags }: { redFlags: readonly RedFlag[] }) {
  const t = useTexts();
  return (
    <>
      <p className="urgency-small">{t('urgency.signs')}</p>
      <ul className="urgency-signs">
        {redFlags.map(({ code, label, status, source }) => (
          <li key={code}>
            {label}
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
