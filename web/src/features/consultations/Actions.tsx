import { Button } from 'antd';
import { useCallback, useEffect, useState } from 'react';
import { useNavigate } from 'react-router';
import { useJob } from '../../api/jobsApi';
import { readConsultationAgain } from '../../api/readAgain';
import type { Consultation, Job } from '../../api/types';
import { useAppDispatch } from '../../app/hooks';
import { ConfirmButton } from '../../components/ConfirmButton';
import { FailureAlert } from '../../components/FailureAlert';
import { FreshLink } from '../../components/FreshLink';
import { useHeldBack } from '../../components/useCountdown';
import { useTexts } from '../../i18n/texts';
import { erasureTold } from '../realtime/realtimeSlice';
import {
  useEraseConsultationMutation,
  useExportConsultationMutation,
  useGetConsultationQuery,
  useWriteReportMutation,
} from './consultationsApi';
import { clearDraftsOf } from './draft';
import { saveFile } from './saveFile';

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
  const dispatch = useAppDispatch();
  const { id, assessment, report } = consultation;
  const [write, { data: accepted, error, isLoading }] = useWriteReportMutation();
  const isHeldBack = useHeldBack(error);
  const [before, setBefore] = useState<string>();
  const [failed, setFailed] = useState<Job>();
  const [linkError, setLinkError] = useState<unknown>();
  const { refetch } = useGetConsultationQuery(id);
  const isOpen = !error && before !== undefined && before === (report?.generated_at ?? '');
  const isWriting = isOpen && !failed;

  const onEnd = useCallback(
    (job: Job) => {
      if (job.state === 'completed') dispatch(readConsultationAgain(id));
      else setFailed(job);
    },
    [dispatch, id],
  );

  const linkTo = async (format: 'html_url' | 'markdown_url') => {
    const { data, error } = await refetch();
    setLinkError(error);
    return data?.report?.[format];
  };

  if (!assessment) return null;

  return (
    <>
      <FailureAlert error={error ?? linkError} />
      {isWriting && accepted && <ReportJob id={accepted.job_id} onEnd={onEnd} />}
      {isOpen && failed && (
        <p className="fault" role="alert">
          {t('actions.report.failed')} {failed.error?.message}
        </p>
      )}
      <Button
        loading={isLoading || isWriting}
        disabled={isHeldBack}
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
          <FreshLink
            known={{ url: report.html_url, expires_at: report.expires_at }}
            read={() => linkTo('html_url')}
          >
            {t('actions.report.html')}
          </FreshLink>
          <FreshLink
            known={{ url: report.markdown_url, expires_at: report.expires_at }}
            read={() => linkTo('markdown_url')}
          >
            {t('actions.report.markdown')}
          </FreshLink>
        </>
      )}
    </>
  );
}

/** Looks at the report's job: events tell of its end too, but not without a connection. */
function ReportJob({ id, onEnd }: { id: string; onEnd: (job: Job) => void }) {
  const { data } = useJob(id);
  const ended = data?.finished_at ? data : undefined;

  useEffect(() => {
    if (ended) onEnd(ended);
  }, [ended, onEnd]);
  return null;
}

function ExportActions({ id }: { id: string }) {
  const t = useTexts();
  const [read, { error, isLoading }] = useExportConsultationMutation();
  const isHeldBack = useHeldBack(error);

  const save = async (format?: 'fhir') => {
    const { data } = await read({ id, ...(format && { format }) });
    if (data) saveFile(`${format ?? 'consultation'}-${id}.json`, data);
  };

  return (
    <>
      <FailureAlert error={error} />
      <Button loading={isLoading} disabled={isHeldBack} onClick={() => void save()}>
        {t('actions.export')}
      </Button>
      <Button disabled={isLoading || isHeldBack} onClick={() => void save('fhir')}>
        {t('actions.fhir')}
      </Button>
    </>
  );
}

function EraseAction({ id }: { id: string }) {
  const t = useTexts();
  const navigate = useNavigate();
  const dispatch = useAppDispatch();
  const [erase, { error, isLoading }] = useEraseConsultationMutation();
  const isHeldBack = useHeldBack(error);

  const finish = async () => {
    const { data } = await erase(id);
    if (!data) return;

    clearDraftsOf(id);
    await navigate('/consultations', { replace: true, state: { erased: true } });
    dispatch(erasureTold(id));
    // Nobody looks at it any more: this drops what was read of it.
    dispatch(readConsultationAgain(id));
  };

  return (
    <>
      <FailureAlert error={error} />
      <ConfirmButton
        title={t('actions.erase.title')}
        what={t('actions.erase.what')}
        confirm={t('actions.erase.confirm')}
        onConfirm={() => void finish()}
        button={{ danger: true, loading: isLoading, disabled: isHeldBack }}
      >
        {t('actions.erase')}
      </ConfirmButton>
    </>
  );
}
