import { Alert, Skeleton } from 'antd';
import { lazy, Suspense } from 'react';
import { Link, useParams } from 'react-router';
import { isFailure } from '../../api/failure';
import type { Consultation } from '../../api/types';
import { useAppSelector } from '../../app/hooks';
import { loadOnce } from '../../app/notLoaded';
import { FailureAlert } from '../../components/FailureAlert';
import { Page } from '../../components/Page';
import { Section } from '../../components/Section';
import { UrgencyBanner } from '../../components/UrgencyBanner';
import '../../i18n/consultation';
import { tagOf, useTexts, useTimes } from '../../i18n/texts';
import { Actions } from './Actions';
import { AssessmentView } from './AssessmentView';
import { Conversation } from './Conversation';
import { Described } from './Described';
import { MessageForm } from './MessageForm';
import { ProgressView } from './ProgressView';
import { QuestionsForm } from './QuestionsForm';
import { useConsultation } from './useConsultation';
import { useShownWhenRisen } from './useShownWhenRisen';

const TraceView = lazy(async () => {
  const { TraceView } = await loadOnce(() => import('../clinician/TraceView'));
  return { default: TraceView };
});

const ReviewBar = lazy(async () => {
  const { ReviewBar } = await loadOnce(() => import('../clinician/ReviewBar'));
  return { default: ReviewBar };
});

/** One consultation, for its patient and for the clinic. Nothing of another one is kept. */
export function ConsultationPage() {
  const { id = '' } = useParams();
  return <OneConsultation key={id} id={id} />;
}

function OneConsultation({ id }: { id: string }) {
  const t = useTexts();
  const writeTime = useTimes();
  const { consultation, error, retry } = useConsultation(id);
  const decision = useDecision(id, consultation, error);
  const banner = useShownWhenRisen(decision?.urgency);
  const title = consultation
    ? t('consultation.of', { date: writeTime(consultation.created_at) })
    : t('consultation.title');

  return (
    <Page title={title}>
      {decision && <UrgencyBanner ref={banner} {...decision} />}
      <FailureAlert error={error} onRetry={retry} />
      {!consultation && !error && <Skeleton active paragraph={{ rows: 12 }} />}
      {consultation && <Parts consultation={consultation} />}
    </Page>
  );
}

/**
 * The decision that counts: the consultation's, and until it is read what the API has said at once as
 * it was sent.
 */
function useDecision(id: string, consultation: Consultation | undefined, error: unknown) {
  const accepted = useAppSelector((state) => state.accepted.last);
  if (consultation) return decisionOf(consultation);
  if (accepted?.id !== id || isWithheld(error)) return undefined;

  const { urgency, advice, locale, red_flags: redFlags, read_as: readAs } = accepted;
  return { urgency, advice, locale, redFlags, readAs };
}

/** Not there, or not for this person: an answer that failed to come says neither. */
function isWithheld(error: unknown): boolean {
  return isFailure(error) && [401, 403, 404].includes(error.status ?? 0);
}

/** The urgency that counts; the advice is the rules', unless a model has raised it above them. */
function decisionOf({ urgency, locale, triage, assessment }: Consultation) {
  const isRaised = urgency !== triage.urgency;
  const advice = (isRaised && assessment?.recommended_actions[0]) || triage.advice;
  return { urgency, advice, locale, redFlags: triage.red_flags, readAs: triage.read_as };
}

function Parts({ consultation }: { consultation: Consultation }) {
  const me = useAppSelector((state) => state.session.me);
  const isOwner = me?.id === consultation.user_id;
  const isClinic = me?.role !== 'patient';
  const { assessment, locale, turns } = consultation;

  return (
    <>
      {isClinic && (
        <Suspense fallback={<div className="card review" />}>
          <ReviewBar consultation={consultation} />
        </Suspense>
      )}
      {consultation.status === 'processing' && <ProgressView id={consultation.id} />}
      <Outcome consultation={consultation} isOwner={isOwner} />
      {(isOwner || isClinic) && <QuestionsForm consultation={consultation} />}
      {assessment && <AssessmentView assessment={assessment} locale={locale} />}
      {isOwner && <MessageForm consultation={consultation} />}
      <Described consultation={consultation} />
      {turns > 1 && <Conversation consultation={consultation} isOwner={isOwner} />}
      {isClinic && (
        <Suspense fallback={<Skeleton active />}>
          <TraceView id={consultation.id} />
        </Suspense>
      )}
      <Actions consultation={consultation} mayErase={isOwner || me?.role === 'admin'} />
    </>
  );
}

interface OutcomeProps {
  consultation: Consultation;
  isOwner: boolean;
}

/** Says that there is no assessment, and that the rules' decision stands all the same. */
function Outcome({ consultation, isOwner }: OutcomeProps) {
  const t = useTexts();
  const { status, failure, locale } = consultation;
  if (status !== 'failed' && status !== 'cancelled') return null;

  return (
    <Section title={t(`assessment.${status}`)}>
      <Alert
        type="warning"
        showIcon
        title={
          failure ? <span lang={tagOf(locale)}>{failure.message}</span> : t(`assessment.${status}`)
        }
        description={
          <>
            <p>{t('assessment.failed.hint')}</p>
            {isOwner && (
              <p>
                {t('assessment.failed.next')}{' '}
                <Link className="next-step" to="/consultations/new">
                  {t('assessment.failed.new')}
                </Link>
              </p>
            )}
          </>
        }
      />
    </Section>
  );
}
