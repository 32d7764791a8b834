import { useAppSelector } from '../../app/hooks';
import { Section } from '../../components/Section';
import { isTextKey, useTexts } from '../../i18n/texts';
import type { JobProgress } from '../realtime/realtimeSlice';

/** How far the assessment is, as events tell it. */
export function ProgressView({ id }: { id: string }) {
  const t = useTexts();
  const progress = useAppSelector((state) => state.realtime.progress[id]);
  const isOpen = useAppSelector((state) => state.realtime.connection === 'open');
  const percent = progress?.percent ?? 0;

  return (
    <Section
      title={t('progress.title')}
      extra={<span className="small">{t(isOpen ? 'progress.live' : 'progress.polling')}</span>}
    >
      <progress className="wide" max={100} value={percent} aria-label={t('progress.title')} />
      <p role="status" className="small">
        {t(stepKey(progress))}
      </p>
    </Section>
  );
}

function stepKey(progress: JobProgress | undefined) {
  if (!progress || progress.type === 'queued') return 'progress.queued';
  if (progress.type === 'deferred') return 'progress.deferred';

  const key = `progress.${progress.step ?? 'working'}`;
  return isTextKey(key) ? key : 'progress.working';
}
