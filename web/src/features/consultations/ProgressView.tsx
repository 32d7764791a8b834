import { Skeleton } from 'antd';
import { useAppSelector } from '../../app/hooks';
import { Section } from '../../components/Section';
import { isTextKey, useTexts } from '../../i18n/texts';
import type { JobProgress } from '../realtime/realtimeSlice';
import { sentencesOf } from '../realtime/sentences';

/** How far the assessment is, as events tell it. */
export function ProgressView({ id }: { id: string }) {
  const t = useTexts();
  const progress = useAppSelector((state) => state.realtime.progress[id]);
  const isLost = useAppSelector((state) => state.realtime.connection === 'waiting');
  const percent = progress?.percent ?? 0;

  return (
    <Section
      title={t('progress.title')}
      extra={<span className="small">{t(isLost ? 'progress.polling' : 'progress.live')}</span>}
    >
      <progress className="wide" max={100} value={percent} aria-label={t('progress.title')} />
      <p role="status" className="small">
        {t(stepKey(progress))}
      </p>
      <Writing id={id} />
    </Section>
  );
}

/**
 * The summary while a model writes it. Its box has one height from the beginning, so that the
 * questions below, which are answered meanwhile, do not move under a finger.
 */
function Writing({ id }: { id: string }) {
  const t = useTexts();
  const text = useAppSelector((state) => state.realtime.writing[id]);

  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls needs the keyboard
    <div className="writing" tabIndex={0} role="group" aria-label={t('progress.writing.label')}>
      <div>
        <div aria-live="polite" aria-relevant="additions">
          {text && <p className="small writing-state">{t('progress.writing')}</p>}
          {text && sentencesOf(text).map((sentence, index) => <span key={index}>{sentence}</span>)}
        </div>
        {!text && <Skeleton active title={false} paragraph={{ rows: 3 }} />}
      </div>
    </div>
  );
}

function stepKey(progress: JobProgress | undefined) {
  if (!progress || progress.type === 'queued') return 'progress.queued';
  if (progress.type === 'deferred') return 'progress.deferred';

  const key = `progress.${progress.step ?? 'working'}`;
  return isTextKey(key) ? key : 'progress.working';
}
