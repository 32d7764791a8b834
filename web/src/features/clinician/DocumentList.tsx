import { DeleteOutlined } from '@ant-design/icons';
import { Skeleton } from 'antd';
import { useCallback, useEffect } from 'react';
import { Link } from 'react-router';
import { useJob } from '../../api/jobsApi';
import type { Job, ListedDocument } from '../../api/types';
import { useAppSelector } from '../../app/hooks';
import { ConfirmButton } from '../../components/ConfirmButton';
import { FailureAlert } from '../../components/FailureAlert';
import { reasonInWords } from '../../components/jobWords';
import { LoadMore } from '../../components/LoadMore';
import { Section } from '../../components/Section';
import { SourceLink } from '../../components/SourceLink';
import { useTexts } from '../../i18n/texts';
import { useDeleteDocumentMutation, useListDocumentsInfiniteQuery } from './clinicianApi';

/** The tenant's own documents, the newest first. */
export function DocumentList() {
  const t = useTexts();
  const list = useListDocumentsInfiniteQuery();
  const { refetch } = list;
  const readAgain = useCallback(() => void refetch(), [refetch]);
  const items = list.data?.pages.flatMap((page) => page.items);
  const processing = items?.filter(({ status }) => status === 'processing').length ?? 0;

  return (
    <Section title={t('knowledge.documents')}>
      <FailureAlert error={list.error} onRetry={readAgain} />
      {list.isLoading && <Skeleton active />}
      {items?.length === 0 && <p className="small">{t('knowledge.documents.empty')}</p>}
      <ul className="documents">
        {items?.map((document) => (
          <DocumentRow
            key={document.id}
            document={document}
            processing={processing}
            onEnd={readAgain}
          />
        ))}
      </ul>
      {items && items.length > 0 && <LoadMore list={list} />}
    </Section>
  );
}

interface RowProps {
  document: ListedDocument;
  /** How many documents are brought in at the same time. */
  processing: number;
  /** The job that brings it in has ended. */
  onEnd: () => void;
}

function DocumentRow({ document, processing, onEnd }: RowProps) {
  const t = useTexts();
  const { title, source_title, source_url, status, job_id: jobId } = document;

  return (
    <li className="document" data-status={status}>
      <div>
        <strong>{title}</strong>
        <p className="small">
          <SourceLink source={{ title: source_title, url: source_url }} /> ·{' '}
          {status === 'processing' && jobId ? (
            <Ingestion jobId={jobId} among={processing} onEnd={onEnd} />
          ) : (
            t('knowledge.ready')
          )}
        </p>
      </div>
      <DeleteButton document={document} />
    </li>
  );
}

interface IngestionProps {
  jobId: string;
  among: number;
  onEnd: () => void;
}

function Ingestion({ jobId, among, onEnd }: IngestionProps) {
  const t = useTexts();
  const { data } = useJob(jobId, among);
  const hasEnded = data?.state === 'completed';

  useEffect(() => {
    if (hasEnded) onEnd();
  }, [hasEnded, onEnd]);

  if (data?.state === 'failed' || data?.state === 'cancelled')
    return <FailedIngestion job={data} />;
  return t('knowledge.processing', { percent: data?.progress ?? 0 });
}

/** The document's version before, if there is one, is still found. */
function FailedIngestion({ job }: { job: Job }) {
  const t = useTexts();
  const isAdmin = useAppSelector((state) => state.session.me?.role === 'admin');

  return (
    <>
      <span className="fault">
        {t('knowledge.failed')}
        {job.error && ` · ${reasonInWords(job.error.code, t)}`}
      </span>{' '}
      {t('knowledge.retry')} {isAdmin && <Link to="/operations">{t('nav.operations')}</Link>}
    </>
  );
}

function DeleteButton({ document: { id, title } }: { document: ListedDocument }) {
  const t = useTexts();
  const [remove, { error, isLoading }] = useDeleteDocumentMutation();
  const label = t('knowledge.delete', { title });

  return (
    <>
      <FailureAlert error={error} />
      <ConfirmButton
        title={t('knowledge.delete.title')}
        what={t('knowledge.delete.what')}
        confirm={label}
        onConfirm={() => void remove(id)}
        button={{
          type: 'text',
          icon: <DeleteOutlined />,
          title: label,
          'aria-label': label,
          loading: isLoading,
        }}
      />
    </>
  );
}
