import { Alert, Button, Skeleton } from 'antd';
import { Link } from 'react-router';
import type { Job } from '../../api/types';
import { FailureAlert } from '../../components/FailureAlert';
import { reasonInWords } from '../../components/jobWords';
import { LoadMore } from '../../components/LoadMore';
import { Section } from '../../components/Section';
import { isTextKey, useTexts, useTimes, type Translate } from '../../i18n/texts';
import { useListFailedJobsInfiniteQuery, useRedriveJobsMutation } from './adminApi';

/** Jobs that have failed for good, each with its reason; all or those of a kind are queued again. */
export function FailedJobs() {
  const t = useTexts();
  const list = useListFailedJobsInfiniteQuery(undefined, { refetchOnMountOrArgChange: true });
  const jobs = list.data?.pages.flatMap((page) => page.items);

  return (
    <Section title={t('operations.jobs')}>
      <p className="small">{t('operations.jobs.what')}</p>
      <Redrive kinds={[...new Set(jobs?.map(({ kind }) => kind))]} />
      <FailureAlert error={list.error} onRetry={() => void list.refetch()} />
      {list.isLoading && <Skeleton active />}
      {jobs?.length === 0 && <p className="small">{t('operations.jobs.none')}</p>}
      <ul className="documents">
        {jobs?.map((job) => (
          <JobRow key={job.id} job={job} />
        ))}
      </ul>
      {jobs && jobs.length > 0 && <LoadMore list={list} />}
    </Section>
  );
}

/** The route takes up to a hundred at a time, the oldest first, and of one kind if it is named. */
function Redrive({ kinds }: { kinds: string[] }) {
  const t = useTexts();
  const [redrive, { data, error, isLoading }] = useRedriveJobsMutation();

  return (
    <>
      <FailureAlert error={error} />
      <div className="row">
        <Button loading={isLoading} onClick={() => void redrive(undefined)}>
          {t('operations.redrive')}
        </Button>
        {kinds.map((kind) => (
          <Button key={kind} disabled={isLoading} onClick={() => void redrive(kind)}>
            {t('operations.redrive.kind', { kind: kindInWords(kind, t) })}
          </Button>
        ))}
      </div>
      {data && (
        <Alert className="outcome" type="success" showIcon title={t('operations.redriven', data)} />
      )}
    </>
  );
}

function JobRow({ job }: { job: Job }) {
  const t = useTexts();
  const writeTime = useTimes();
  const { id, kind, consultation_id: consultation, attempts, error } = job;
  const at = job.finished_at ?? job.created_at;

  return (
    <li className="document" data-kind={kind}>
      <div>
        <strong>{kindInWords(kind, t)}</strong>
        <p>{error ? reasonInWords(error.code, t) : t('operations.jobs.unknown')}</p>
        <p className="small">
          <time dateTime={at}>{writeTime(at)}</time> ·{' '}
          {t('operations.jobs.attempts', { count: attempts })} · <span className="id">{id}</span>
        </p>
      </div>
      {consultation && kind !== 'erase_consultation' && (
        <Link
          to={`/consultations/${consultation}`}
          aria-label={t('audit.open.label', { id: consultation })}
        >
          {t('operations.jobs.consultation')}
        </Link>
      )}
    </li>
  );
}

/** A kind or a code of tomorrow is shown as the API names it. */
function kindInWords(kind: string, t: Translate): string {
  const key = `job.kind.${kind}`;
  return isTextKey(key) ? t(key) : kind;
}
