import { Button } from 'antd';
import { useEffect, useRef, useState } from 'react';
import type { Consultation } from '../../api/types';
import { useAppSelector } from '../../app/hooks';
import { FailureAlert } from '../../components/FailureAlert';
import { useHeldBack } from '../../components/useCountdown';
import '../../i18n/staff';
import { useTexts, useTimes } from '../../i18n/texts';
import { useReviewConsultationMutation } from './clinicianApi';

/**
 * Whether the clinic has seen to a consultation, and the button that says so or takes it back. What
 * comes while the page is open may stand where nobody looks: it is to be acknowledged before.
 */
export function ReviewBar({ consultation }: { consultation: Consultation }) {
  const t = useTexts();
  const [review, { error, isLoading }] = useReviewConsultationMutation();
  const isHeldBack = useHeldBack(error);
  const { id, updated_at, reviewed_at } = consultation;
  const { hasNews, acknowledge, button } = useNews(consultation);

  return (
    <section className="card review" aria-label={t('review.title')}>
      <div className="review-row" role="status">
        <ReviewState consultation={consultation} hasNews={hasNews} />
        <div className="row">
          {hasNews && <Button onClick={acknowledge}>{t('review.seen')}</Button>}
          <Button
            ref={button}
            type={reviewed_at ? 'default' : 'primary'}
            loading={isLoading}
            disabled={isHeldBack || hasNews}
            onClick={() => void review({ id, reviewed: !reviewed_at, updated_at })}
          >
            {t(reviewed_at ? 'review.reopen' : 'review.mark')}
          </Button>
        </div>
      </div>
      <FailureAlert error={error} />
    </section>
  );
}

/** What has come since the page was opened, of what a review is of: a report, for one, is not. */
function useNews(consultation: Consultation) {
  const { reviewed_at, turns, urgency, status, answers, assessment } = consultation;
  const shown = JSON.stringify([turns, urgency, status, answers, assessment?.summary]);
  const [seen, setSeen] = useState(shown);
  const button = useRef<HTMLButtonElement>(null);
  const wasAcknowledged = useRef(false);

  useEffect(() => {
    // The button that was tapped is gone.
    if (wasAcknowledged.current) button.current?.focus();
    wasAcknowledged.current = false;
  }, [seen]);

  const acknowledge = () => {
    wasAcknowledged.current = true;
    setSeen(shown);
  };
  return { hasNews: !reviewed_at && seen !== shown, acknowledge, button };
}

interface StateProps {
  consultation: Consultation;
  hasNews: boolean;
}

function ReviewState({ consultation, hasNews }: StateProps) {
  const t = useTexts();
  const writeTime = useTimes();
  const me = useAppSelector((state) => state.session.me);
  const { reviewed_at, reviewed_by } = consultation;

  if (!reviewed_at) return <strong>{t(hasNews ? 'review.news' : 'review.open')}</strong>;
  const time = writeTime(reviewed_at);
  return <span>{t(reviewed_by === me?.id ? 'review.byMe' : 'review.done', { time })}</span>;
}
