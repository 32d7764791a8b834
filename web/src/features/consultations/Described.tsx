import { isNotFound } from '../../api/failure';
import type { Consultation } from '../../api/types';
import { useAppSelector } from '../../app/hooks';
import { FailureAlert } from '../../components/FailureAlert';
import { FreshLink } from '../../components/FreshLink';
import { Section } from '../../components/Section';
import { useTexts } from '../../i18n/texts';
import { useGetUploadQuery, useLazyGetUploadQuery } from '../uploads/uploadsApi';

/** What the patient has told at first, with the files that came along. */
export function Described({ consultation }: { consultation: Consultation }) {
  const t = useTexts();
  const { symptoms, age, sex, history, attachments, answers } = consultation;
  const facts = [
    age != null && t('consultation.age', { age }),
    sex && t(`new.sex.${sex}`),
    Object.keys(answers).length > 0 &&
      t('questions.answered', { count: Object.keys(answers).length }),
  ].filter(Boolean);

  return (
    <Section title={t('consultation.said')}>
      <p className="words">{symptoms}</p>
      {facts.length > 0 && <p className="small">{facts.join(' · ')}</p>}
      {history && <p className="small">{t('consultation.history', { history })}</p>}
      {attachments.length > 0 && (
        <ul className="files" aria-label={t('consultation.files')}>
          {attachments.map((id, index) => (
            <AttachedFile key={id} id={id} number={index + 1} />
          ))}
        </ul>
      )}
    </Section>
  );
}

/**
 * The link is asked for when it is tapped: it ends after minutes, and what a clinician asks for is
 * noted as read. So only a patient, of whom nothing is noted, sees the name before.
 */
function AttachedFile({ id, number }: { id: string; number: number }) {
  const t = useTexts();
  const isPatient = useAppSelector((state) => state.session.me?.role === 'patient');
  const seen = useGetUploadQuery(id, { skip: !isPatient });
  const [read, tapped] = useLazyGetUploadQuery();
  const { data, error } = tapped.isUninitialized ? seen : tapped;
  const name = data?.file_name ?? t('consultation.file', { number });
  const isGone = isNotFound(error) || (data && !data.link);

  const readLink = async () => {
    const { data } = await read(id);
    return data?.link?.url;
  };

  return (
    <li className="file">
      {isGone ? (
        <span>
          {name} ({t('consultation.file.gone')})
        </span>
      ) : (
        <FreshLink read={readLink} button={{ type: 'link' }}>
          {name}
        </FreshLink>
      )}
      {!isGone && <FailureAlert error={error} />}
    </li>
  );
}
