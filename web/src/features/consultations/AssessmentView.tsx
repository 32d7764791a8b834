import { Alert } from 'antd';
import type { Assessment, Citation, DoctorNote, Locale } from '../../api/types';
import { Section } from '../../components/Section';
import { SourceLink } from '../../components/SourceLink';
import { isTextKey, tagOf, useTexts } from '../../i18n/texts';

interface Props {
  assessment: Assessment;
  /** The language of its texts: the consultation's. */
  locale: Locale;
}

/** The assessment, with what it rests on and what made it. */
export function AssessmentView({ assessment, locale }: Props) {
  const t = useTexts();
  return (
    <Section title={t('assessment.title')}>
      <Degraded assessment={assessment} />
      {assessment.awaits_answer && <Alert type="info" showIcon title={t('assessment.awaits')} />}
      <AssessmentTexts assessment={assessment} locale={locale} />
      <Sources citations={assessment.citations} />
      {assessment.doctor_note && <Note note={assessment.doctor_note} lang={tagOf(locale)} />}
      <p className="small">
        <MadeBy assessment={assessment} />
      </p>
      <p className="small" lang={tagOf(locale)}>
        {assessment.disclaimer}
      </p>
    </Section>
  );
}

/** What the patient reads of an assessment; all of it is plain text. */
function AssessmentTexts({ assessment, locale }: Props) {
  const t = useTexts();
  const lang = tagOf(locale);
  return (
    <>
      <p className="summary" lang={lang}>
        {assessment.summary}
      </p>
      {assessment.recommended_department && (
        <p>
          {t('assessment.department')}
          <span lang={lang}>{assessment.recommended_department}</span>
        </p>
      )}
      <TextList
        title={t('assessment.actions')}
        items={assessment.recommended_actions}
        lang={lang}
      />
      <TextList title={t('assessment.causes')} items={assessment.possible_causes} lang={lang} />
      <TextList title={t('assessment.flags')} items={assessment.red_flags} lang={lang} />
      <TextList title={t('assessment.next')} items={assessment.questions} lang={lang} />
    </>
  );
}

/** An answer by less than the first model is never shown as if it were one. */
function Degraded({ assessment }: { assessment: Assessment }) {
  const t = useTexts();
  if (!assessment.degraded) return null;

  const reason = assessment.degraded_reason;
  return (
    <Alert
      type="warning"
      showIcon
      title={t('assessment.degraded')}
      description={reason && t(`assessment.degraded.${reason}`)}
      data-degraded={reason ?? ''}
    />
  );
}

interface TextListProps {
  title: string;
  items: string[];
  lang: string;
}

function TextList({ title, items, lang }: TextListProps) {
  if (items.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul lang={lang}>
        {items.map((item) => (
          <li key={item}>{item}</li>
        ))}
      </ul>
    </>
  );
}

function Sources({ citations }: { citations: Citation[] }) {
  const t = useTexts();
  if (citations.length === 0) return null;
  return (
    <>
      <h3>{t('assessment.sources')}</h3>
      <ul className="sources">
        {citations.map((citation) => (
          <li key={`${citation.url} ${citation.number ?? ''}`}>
            {citation.number != null && <span className="number">[{citation.number}]</span>}
            <SourceLink source={citation} />
          </li>
        ))}
      </ul>
    </>
  );
}

function MadeBy({ assessment }: { assessment: Assessment }) {
  const t = useTexts();
  const { tier, model } = assessment.served_by;
  const key = `assessment.tier.${tier}`;
  const name = isTextKey(key) ? t(key) : tier;

  return model
    ? t('assessment.model', { tier: name, model })
    : t('assessment.made', { tier: name });
}

function Note({ note, lang }: { note: DoctorNote; lang: string }) {
  const t = useTexts();
  const rows = [
    ['chief_complaint', note.chief_complaint],
    ['present_illness', note.present_illness],
    ['history', note.history],
    ['findings', note.findings.join('; ')],
    ['open_questions', note.open_questions.join('; ')],
  ] as const;

  return (
    <details className="note">
      <summary>{t('assessment.note')}</summary>
      <dl>
        {rows
          .filter(([, text]) => text !== '')
          .map(([name, text]) => (
            <div key={name}>
              <dt>{t(`note.${name}`)}</dt>
              <dd lang={lang}>{text}</dd>
            </div>
          ))}
      </dl>
    </details>
  );
}
