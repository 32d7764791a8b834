import { Button, Skeleton } from 'antd';
import { useEffect, useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { FailureAlert } from '../../components/FailureAlert';
import { LoadMore } from '../../components/LoadMore';
import { Page } from '../../components/Page';
import { useTexts } from '../../i18n/texts';
import { ConsultationList } from './ConsultationList';
import { useListConsultationsInfiniteQuery } from './consultationsApi';
import { lookAgainAfter } from './lookAgain';

/** One's own consultations, the latest first; more are read as one scrolls. */
export function HistoryPage() {
  const t = useTexts();
  const navigate = useNavigate();
  const hasErased = useHasErased();
  const list = useListConsultationsInfiniteQuery(
    {},
    { pollingInterval: lookAgainAfter, skipPollingIfUnfocused: true },
  );
  const items = list.data?.pages.flatMap((page) => page.items);

  return (
    <Page title={t('history.title')}>
      {hasErased && (
        <p role="status" className="card">
          {t('actions.erased')}
        </p>
      )}
      <FailureAlert error={list.error} onRetry={() => void list.refetch()} />
      {list.isLoading && <Skeleton active paragraph={{ rows: 10 }} />}
      {items?.length === 0 && (
        <div className="card empty">
          <p>{t('history.empty')}</p>
          <Button type="primary" onClick={() => void navigate('/consultations/new')}>
            {t('history.begin')}
          </Button>
        </div>
      )}
      {items && items.length > 0 && (
        <>
          <ConsultationList items={items} />
          <LoadMore list={list} />
        </>
      )}
    </Page>
  );
}

/** Whether a consultation was just deleted. The tab's history, which a reload keeps, forgets it. */
function useHasErased(): boolean {
  const navigate = useNavigate();
  const { state } = useLocation() as { state: { erased?: boolean } | null };
  const [hasErased] = useState(state?.erased === true);

  useEffect(() => {
    if (hasErased) void navigate('.', { replace: true, state: null });
  }, [hasErased, navigate]);
  return hasErased;
}
