import { Skeleton } from 'antd';
import { useAppSelector } from '../../app/hooks';
import { Section } from '../../components/Section';
import { isTextKey, useTexts } from '../../i18n/texts';
import { isLive, type JobProgress, type RealtimeState } from '../realtime/realtimeSlice';
import { sentencesOf } from '../realtime/sentences';

/** How far the assessment is, as events tell it; without them only that it is being made. */
export function ProgressView({ id }: { id: string }) {
  const t = useTexts();
  const progress = useAppSelector(({ realtime }) => knownProgress(realtime, id));
  const connection = useAppSelector(({ realtime }) => connectionKey(realtime, id));

  return (
    <Section title={t('progress.title')} extra={<span className="small">{t(connection)}</span>}>
      <progress
        className="wide"
        max={100}
        // Without a value it tells that something goes on, and not how far it is.
        {...(progress && { value: progress.percent })}
        aria-label={t('progress.title')}
      />
      <p role="status" className="small">
        {t(progress ? stepKey(progress) : 'progress.unknown')}
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

/** What the events say, if they are those of now: not of a line that is lost, nor of the job before. */
function knownProgress(state: RealtimeState, id: string): JobProgress | undefined {
  const progress = state.progress[id];
  const goesOn = progress && ['queued', 'progress', 'deferred'].includes(progress.type);
  return goesOn && isLive(state, id) ? progress : undefined;
}

function connectionKey(state: RealtimeState, id: string) {
  if (isLive(state, id)) return 'progress.live';
  return state.connection === 'waiting' ? 'progress.polling' : 'progress.connecting';
}

function stepKey(progress: JobProgress) {
  if (progress.type === 'queued') return 'progress.queued';
  if (progress.type === 'deferred') return 'progress.deferred';

  const key = `progress.${progress.step ?? 'working'}`;
  return isTextKey(key) ? key : 'progress.working';
}
