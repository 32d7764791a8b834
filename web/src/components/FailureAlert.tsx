import { Alert, Button } from 'antd';
import { isFailure, type Failure } from '../api/failure';
import { useAppSelector } from '../app/hooks';
import { useProblemWords } from '../i18n/problems/useProblemWords';
import { isTextKey, useTexts, type Translate } from '../i18n/texts';
import { CallSentence } from './CallSentence';
import { useCountdown } from './useCountdown';

interface Props {
  /** What a query or a mutation was rejected with; nothing is shown if it was not. */
  error: unknown;
  /** What has failed, before why: where the page has other calls that may fail. */
  title?: string;
  onRetry?: () => void;
  /** What the button says that tries again. */
  retryText?: string;
  /** Whether a patient in danger may wait for the answer: then it says whom to call instead. */
  namesNumber?: boolean;
}

/** What went wrong, with the next step. Over a limit, it counts down. */
export function FailureAlert({ error, title, onRetry, retryText, namesNumber }: Props) {
  const t = useTexts();
  const failure = isFailure(error) ? error : undefined;
  const seconds = useCountdown(failure);
  const isPatient = useAppSelector((state) => state.session.me?.role === 'patient');
  if (!error) return null;

  const waits = seconds > 0;
  return (
    <Alert
      className="failure"
      type={failure?.status === 429 ? 'warning' : 'error'}
      showIcon
      title={[title, titleOf(failure, t)].filter(Boolean).join(' ')}
      description={
        <>
          {failure && <Detail failure={failure} />}
          {namesNumber && isPatient && (
            <p>
              <CallSentence text="failure.danger" />
            </p>
          )}
          {waits && <p aria-live="off">{t('failure.wait', { seconds })}</p>}
          {failure?.reference && (
            <p className="small">{t('failure.reference', { reference: failure.reference })}</p>
          )}
          {/* Below the words, which on a phone have no room beside it. */}
          {onRetry && (
            <Button className="failure-retry" disabled={waits} onClick={onRetry}>
              {retryText ?? t('app.retry')}
            </Button>
          )}
        </>
      }
    />
  );
}

/** What is wrong and what to do: the API says it in English, and the client in Chinese. */
function Detail({ failure }: { failure: Failure }) {
  const t = useTexts();
  const words = useProblemWords(true);
  if (words === 'loading') return null;

  const explained = words === 'none' ? undefined : words.explain(failure);
  const { detail } = failure;
  if (!explained) {
    return (
      detail && (
        <p lang="en" className="failure-detail">
          {detail}
        </p>
      )
    );
  }
  return (
    <>
      <p className="failure-detail">{explained.text}</p>
      {detail && !explained.isWhole && (
        <p className="small">
          {t('failure.details')} <span lang="en">{detail}</span>
        </p>
      )}
    </>
  );
}

function titleOf(failure: Failure | undefined, t: Translate): string {
  if (!failure) return t('failure.other');
  const key = `failure.${failure.kind === 'refused' ? (failure.status ?? '') : failure.kind}`;
  return isTextKey(key) ? t(key) : t('failure.other');
}
