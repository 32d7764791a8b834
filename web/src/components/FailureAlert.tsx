import { Alert, Button } from 'antd';
import { isFailure, type Failure } from '../api/failure';
import { isTextKey, useTexts, type Translate } from '../i18n/texts';
import { useCountdown } from './useCountdown';

interface Props {
  /** What a query or a mutation was rejected with; nothing is shown if it was not. */
  error: unknown;
  onRetry?: () => void;
}

/** What went wrong, in the API's words, with the next step. Over a limit, it counts down. */
export function FailureAlert({ error, onRetry }: Props) {
  const t = useTexts();
  const failure = isFailure(error) ? error : undefined;
  const seconds = useCountdown(failure);
  if (!error) return null;

  const waits = seconds > 0;
  return (
    <Alert
      className="failure"
      type={failure?.status === 429 ? 'warning' : 'error'}
      showIcon
      title={titleOf(failure, t)}
      description={
        <>
          {failure?.detail && (
            <p lang="en" className="failure-detail">
              {failure.detail}
            </p>
          )}
          {waits && <p aria-live="off">{t('failure.wait', { seconds })}</p>}
          {failure?.reference && (
            <p className="small">{t('failure.reference', { reference: failure.reference })}</p>
          )}
        </>
      }
      action={
        onRetry && (
          <Button size="small" disabled={waits} onClick={onRetry}>
            {t('app.retry')}
          </Button>
        )
      }
    />
  );
}

function titleOf(failure: Failure | undefined, t: Translate): string {
  if (!failure) return t('failure.other');
  const key = `failure.${failure.kind === 'refused' ? (failure.status ?? '') : failure.kind}`;
  return isTextKey(key) ? t(key) : t('failure.other');
}
