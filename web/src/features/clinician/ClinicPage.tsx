import { Radio, Skeleton } from 'antd';
import { useMemo, useState } from 'react';
import type { Urgency } from '../../api/types';
import { FailureAlert } from '../../components/FailureAlert';
import { LoadMore } from '../../components/LoadMore';
import { Page } from '../../components/Page';
import '../../i18n/staff';
import { useTexts } from '../../i18n/texts';
import { ConsultationList } from '../consultations/ConsultationList';
import { useListConsultationsInfiniteQuery } from '../consultations/consultationsApi';
import { byUrgency, URGENCIES } from './byUrgency';

/** Between two looks at the list: new consultations of others are told by no event. */
const LOOK_MS = 15_000;

/** The consultations of the tenant, by urgency and time. */
export function ClinicPage() {
  const t = useTexts();
  const [only, setOnly] = useState<Urgency>();
  const list = useListConsultationsInfiniteQuery(undefined, {
    pollingInterval: LOOK_MS,
    skipPollingIfUnfocused: true,
    refetchOnMountOrArgChange: true,
  });
  const items = useMemo(() => list.data?.pages.flatMap((page) => page.items), [list.data]);
  const shown = items && byUrgency(items, only);

  return (
    <Page title={t('clinic.title')} lead={t('clinic.lead')}>
      <UrgencyFilter only={only} onChoose={setOnly} />
      <FailureAlert error={list.error} onRetry={() => void list.refetch()} />
      {list.isLoading && <Skeleton active paragraph={{ rows: 10 }} />}
      {shown?.length === 0 && <p className="card empty">{t('clinic.empty')}</p>}
      {shown && <ConsultationList items={shown} />}
      {items && <LoadMore list={list} />}
      {items && <p className="small">{t('clinic.loaded', { count: items.length })}</p>}
    </Page>
  );
}

interface FilterProps {
  only: Urgency | undefined;
  onChoose: (urgency: Urgency | undefined) => void;
}

function UrgencyFilter({ only, onChoose }: FilterProps) {
  const t = useTexts();
  const options = [
    { value: 'all' as const, label: t('clinic.all') },
    ...URGENCIES.map((value) => ({ value, label: t(`urgency.short.${value}`) })),
  ];

  return (
    <div className="filter">
      <Radio.Group
        optionType="button"
        aria-label={t('clinic.title')}
        options={options}
        value={only ?? 'all'}
        onChange={({ target }) => {
          const value = target.value as Urgency | 'all';
          onChoose(value === 'all' ? undefined : value);
        }}
      />
    </div>
  );
}
