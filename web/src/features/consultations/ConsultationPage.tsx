import { Alert, Skeleton } from 'antd';
import { lazy, Suspense } from 'react';
import { useLocation, useParams } from 'react-router';
import type { Accepted, Consultation } from '../../api/types';
import { useAppSelector } from '../../app/hooks';
import { FailureAlert } from '../../components/FailureAlert';
import { Page } from '../../components/Page';
import { Section } from '../../components/Section';
import { UrgencyBanner } from '../../components/UrgencyBanner';
import { useTexts, useTimes } from '../../i18n/texts';
import { Actions } from './Actions';
import { AssessmentView } from './AssessmentView';
import { Conversation } from './Conversation';
import { Described } from './Described';
import { MessageForm } from './MessageForm';
import { ProgressView } from './ProgressView';
import { QuestionsForm } from './QuestionsForm';
import { useConsultation } from './useConsultation';

const TraceView = lazy(async () => {
  const { TraceView } = await import('../clinician/TraceView');
  return { default: TraceView };
});

const ReviewBar = lazy(async () => {
  const { ReviewBar } = await import('../clinician/ReviewBar');
  return { default: ReviewBar };
});

/** One consultation, for its patient and for the clinic. */
export function ConsultationPage() {
  const { id = '' } = useParams();
  const t = useTexts();
  const writeTime = useTimes();
  const { consultation, error, retry } = useConsultation(id);
  const accepted = useAccepted(id);
  const title = consultation
    ? t('consultation.of', { date: writeTime(consultation.created_at) })
    : t('consultation.title');

  return (
    <Page title={title}>
      {consultation ? (
        <Banner consultation={consultation} />
      ) : (
        accepted && (
          <UrgencyBanner
            urgency={accepted.urgency}
            advice={accepted.advice}
            redFlags={accepted.red_flags}
            readAs={accepted.read_as}
          />
        )
      )}
      <FailureAlert error={error} onRetry={retry} />
      {!consultation && !error && <Skeleton active paragraph={{ rows: 12 }} />}
      {consultation && <Parts consultation={consultation} />}
    </Page>
  );
}

/** What `POST /v1/consultations` has said at once, if this page was opened by it. */
function useAccepted(id: string): Accepted | undefined {
  const { state } = useLocation() as { state: { accepted?: Accepted } | null };
  return state?.accepted?.id === id ? state.accepted : undefined;
}

/** The urgency that counts; the advice is the rules', unless a model has raised it above them. */
function Banner({ consultation }: { consultation: Consultation }) {
  const { urgency, triage, assessment } = consultation;
  const isRaised = urgency !== triage.urgency;
  const advice = (isRaised && assessment?.recommended_actions[0]) || triage.advice;

  return (
    <UrgencyBanner
      urgency={urgency}
      advice={advice}
      redFlags={triage.red_flags}
      readAs={triage.read_as}
    />
  );
}

function Parts({ consultation }: { consultation: Consultation }) {
  const me = useAppSelector((state) => state.session.me);
  const isOwner = me?.id === consultation.user_id;
  const isClinic = me?.role !== 'patient';

  return (
    <>
      {isClinic && (
        <Suspense fallback={<div className="card review" />}>
          <ReviewBar consultation={consultation} />
        </Suspense>
      )}
      {consultation.status === 'processing' && <ProgressView id={consultation.id} />}
      <Outcome consultation={consultation} />
      {consultation.questions.length > 0 && (isOwner || isClinic) && (
        <QuestionsForm id={consultation.id} questions={consultation.questions} />
      )}
      {consultation.assessment && <AssessmentView assessment={consultation.assessment} />}
      {isOwner && <MessageForm key={consultation.id} consultation={consultation} />}
      <Described consultation={consultation} />
      {consultation.turns > 1 && <Conversation id={consultation.id} />}
      {isClinic && (
        <Suspense fallback={<Skeleton active />}>
          <TraceView id={consultation.id} />
        </Suspense>
      )}
      <Actions consultation={consultation} mayErase={isOwner || me?.role === 'admin'} />
    </>
  );
}

/** Says that there is no assessment, and that the rules' decision stands all the same. */
function Outcome({ consultation }: { consultation: Consultation }) {
  const t = useTexts();
  const { status, failure } = consultation;
  if (status !== 'failed' && status !== 'cancelled') return null;

  return (
    <Section title={t(`assessment.${status}`)}>
      <Alert
        type="warning"
        showIcon
        title={failure?.message ?? t(`assessment.${status}`)}
        description={t('assessment.failed.hint')}
      />
    </Section>
  );
}
