import { Radio, Skeleton } from 'antd';
import { useState } from 'react';
import type { Listing, Urgency } from '../../api/types';
import { FailureAlert } from '../../components/FailureAlert';
import { LoadMore } from '../../components/LoadMore';
import { Page } from '../../components/Page';
import '../../i18n/staff';
import { useTexts } from '../../i18n/texts';
import { ConsultationList } from '../consultations/ConsultationList';
import {
  consultationsApi,
  useListConsultationsInfiniteQuery,
} from '../consultations/consultationsApi';
import { emptyTextOf, listingOf, type ClinicFilter } from './listing';

/** The most urgent first. */
const URGENCIES: Urgency[] = ['emergency', 'urgent', 'routine', 'self_care'];

/** Between two looks at the list: new consultations of others are told by no event. */
const LOOK_MS = 15_000;

/** A look reads all pages again: who has many makes twelve calls in a minute, as with three. */
const LOOK_MS_OF_PAGE = 5_000;

/** What the clinic has still to review, or all of it, as the API orders it. */
export function ClinicPage() {
  const t = useTexts();
  const [filter, setFilter] = useState<ClinicFilter>({ isToReview: true });
  const list = useLiveList(listingOf(filter));
  // Never the rows of the filter before under the name of this one.
  const items = list.currentData?.pages.flatMap((page) => page.items);

  return (
    <Page title={t('clinic.title')} lead={t('clinic.lead')}>
      <Filters filter={filter} onChoose={setFilter} />
      <FailureAlert error={list.error} onRetry={() => void list.refetch()} />
      {!items && list.isFetching && <Skeleton active paragraph={{ rows: 10 }} />}
      {items?.length === 0 && <p className="card empty">{t(emptyTextOf(filter))}</p>}
      {items && items.length > 0 && (
        <>
          <ConsultationList items={items} isOfClinic />
          <LoadMore list={list} />
          <p className="small">{t('clinic.loaded', { count: items.length })}</p>
        </>
      )}
    </Page>
  );
}

/** A list that is read again while the page is looked at. */
function useLiveList(listing: Listing) {
  const { pages } = consultationsApi.endpoints.listConsultations.useInfiniteQueryState(listing, {
    selectFromResult: ({ currentData }) => ({ pages: currentData?.pages.length ?? 1 }),
  });

  return useListConsultationsInfiniteQuery(listing, {
    pollingInterval: Math.max(LOOK_MS, pages * LOOK_MS_OF_PAGE),
    skipPollingIfUnfocused: true,
    refetchOnMountOrArgChange: true,
  });
}

interface FiltersProps {
  filter: ClinicFilter;
  onChoose: (filter: ClinicFilter) => void;
}

function Filters({ filter, onChoose }: FiltersProps) {
  const t = useTexts();
  const urgencies = [
    { value: 'all' as const, label: t('clinic.urgency.all') },
    ...URGENCIES.map((value) => ({ value, label: t(`urgency.short.${value}`) })),
  ];

  return (
    <div className="filter">
      <Radio.Group
        optionType="button"
        aria-label={t('clinic.review')}
        options={[
          { value: true, label: t('clinic.review.open') },
          { value: false, label: t('clinic.all') },
        ]}
        value={filter.isToReview}
        onChange={({ target }) => {
          onChoose({ ...filter, isToReview: target.value as boolean });
        }}
      />
      <Radio.Group
        optionType="button"
        aria-label={t('clinic.urgency')}
        options={urgencies}
        value={filter.urgency ?? 'all'}
        onChange={({ target }) => {
          const value = target.value as Urgency | 'all';
          onChoose({ ...filter, urgency: value === 'all' ? undefined : value });
        }}
      />
    </div>
  );
}
