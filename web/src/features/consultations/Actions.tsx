import { Button } from 'antd';
import { useCallback, useEffect, useState } from 'react';
import { useNavigate } from 'react-router';
import { useGetJobQuery } from '../../api/jobsApi';
import type { Consultation, Job } from '../../api/types';
import { ConfirmButton } from '../../components/ConfirmButton';
import { FailureAlert } from '../../components/FailureAlert';
import { useTexts } from '../../i18n/texts';
import {
  useEraseConsultationMutation,
  useExportConsultationMutation,
  useGetConsultationQuery,
  useWriteReportMutation,
} from './consultationsApi';
import { saveFile } from './saveFile';

/** Between two looks at the report's job. */
const LOOK_MS = 3000;

interface Props {
  consultation: Consultation;
  mayErase: boolean;
}

/** What can be done with a consultation as a whole. */
export function Actions({ consultation, mayErase }: Props) {
  return (
    <div className="actions">
      <ReportActions consultation={consultation} />
      <ExportActions id={consultation.id} />
      {mayErase && <EraseAction id={consultation.id} />}
    </div>
  );
}

/** The report is asked for, written by a job, and then there are links for some minutes. */
function ReportActions({ consultation }: { consultation: Consultation }) {
  const t = useTexts();
  const { id, assessment, report } = consultation;
  const [write, { data: accepted, error, isLoading }] = useWriteReportMutation();
  const [before, setBefore] = useState<string>();
  const [failed, setFailed] = useState<Job>();
  const { refetch } = useGetConsultationQuery(id);
  const isOpen = !error && before !== undefined && before === (report?.generated_at ?? '');
  const isWriting = isOpen && !failed;

  const onEnd = useCallback(
    (job: Job) => {
      if (job.state === 'completed') void refetch();
      else setFailed(job);
    },
    [refetch],
  );

  if (!assessment) return null;

  return (
    <>
      <FailureAlert error={error} />
      {isWriting && accepted && <ReportJob id={accepted.job_id} onEnd={onEnd} />}
      {isOpen && failed && (
        <p className="fault" role="alert">
          {t('actions.report.failed')} {failed.error?.message}
        </p>
      )}
      <Button
        loading={isLoading || isWriting}
        onClick={() => {
          setBefore(report?.generated_at ?? '');
          setFailed(undefined);
          void write(id);
        }}
      >
        {t(isWriting ? 'actions.report.writing' : 'actions.report')}
      </Button>
      {report && !isWriting && (
        <>
          <Button href={report.html_url} target="_blank" rel="noreferrer noopener">
            {t('actions.report.html')}
          </Button>
          <Button href={report.markdown_url} target="_blank" rel="noreferrer noopener">
            {t('actions.report.markdown')}
          </Button>
        </>
      )}
    </>
  );
}

/** Looks at the report's job: events tell of its end too, but not without a connection. */
function ReportJob({ id, onEnd }: { id: string; onEnd: (job: Job) => void }) {
  const { data } = useGetJobQuery(id, { pollingInterval: LOOK_MS });
  const ended = data?.finished_at ? data : undefined;

  useEffect(() => {
    if (ended) onEnd(ended);
  }, [ended, onEnd]);
  return null;
}

function ExportActions({ id }: { id: string }) {
  const t = useTexts();
  const [read, { error, isLoading }] = useExportConsultationMutation();

  const save = async (format?: 'fhir') => {
    const { data } = await read({ id, ...(format && { format }) });
    if (data) saveFile(format ? 'bundle.json' : 'consultation.json', data);
  };

  return (
    <>
      <FailureAlert error={error} />
      <Button loading={isLoading} onClick={() => void save()}>
        {t('actions.export')}
      </Button>
      <Button disabled={isLoading} onClick={() => void save('fhir')}>
        {t('actions.fhir')}
      </Button>
    </>
  );
}

function EraseAction({ id }: { id: string }) {
  const t = useTexts();
  const navigate = useNavigate();
  const [erase, { error, isLoading }] = useEraseConsultationMutation();

  const finish = async () => {
    const { data } = await erase(id);
    if (data) await navigate('/consultations', { state: { erased: true } });
  };

  return (
    <>
      <FailureAlert error={error} />
      <ConfirmButton
        title={t('actions.erase.title')}
        what={t('actions.erase.what')}
        confirm={t('actions.erase.confirm')}
        onConfirm={() => void finish()}
        button={{ danger: true, loading: isLoading }}
      >
        {t('actions.erase')}
      </ConfirmButton>
    </>
  );
}
