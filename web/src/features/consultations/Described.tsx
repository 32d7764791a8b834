import type { Consultation } from '../../api/types';
import { Section } from '../../components/Section';
import { useTexts } from '../../i18n/texts';
import { useGetUploadQuery } from '../uploads/uploadsApi';

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

function AttachedFile({ id, number }: { id: string; number: number }) {
  const t = useTexts();
  const { data, isError } = useGetUploadQuery(id);
  const name = data?.file_name ?? t('consultation.file', { number });

  return (
    <li className="file">
      {data?.link ? (
        <a href={data.link.url} target="_blank" rel="noreferrer noopener">
          {name}
        </a>
      ) : (
        <span>
          {name} {isError && `(${t('consultation.file.gone')})`}
        </span>
      )}
    </li>
  );
}
