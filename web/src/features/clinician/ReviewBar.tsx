import { Button } from 'antd';
import { useState } from 'react';
import type { Consultation } from '../../api/types';
import { useAppSelector } from '../../app/hooks';
import { FailureAlert } from '../../components/FailureAlert';
import { useHeldBack } from '../../components/useCountdown';
import '../../i18n/staff';
import { useTexts, useTimes } from '../../i18n/texts';
import { useReviewConsultationMutation } from './clinicianApi';

/**
 * Whether the clinic has seen to a consultation, and the button that says so or takes it back. What comes
 * while the page is open may stand where nobody looks: it is to be acknowledged before.
 */
export function ReviewBar({ consultation }: { consultation: Consultation }) {
  const t = useTexts();
  const [review, { error, isLoading }] = useReviewConsultationMutation();
  const isHeldBack = useHeldBack(error);
  const { id, updated_at, reviewed_at } = consultation;
  const [seenAt, setSeenAt] = useState(updated_at);
  const hasNews = !reviewed_at && seenAt !== updated_at;

  return (
    <section className="card review" aria-label={t('review.title')}>
      <div className="review-row" role="status">
        <ReviewState consultation={consultation} hasNews={hasNews} />
        {hasNews && (
          <Button
            onClick={() => {
              setSeenAt(updated_at);
            }}
          >
            {t('review.seen')}
          </Button>
        )}
        <Button
          type={reviewed_at ? 'default' : 'primary'}
          loading={isLoading}
          disabled={isHeldBack || hasNews}
          onClick={() => void review({ id, reviewed: !reviewed_at, updated_at })}
        >
          {t(reviewed_at ? 'review.reopen' : 'review.mark')}
        </Button>
      </div>
      <FailureAlert error={error} />
    </section>
  );
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
