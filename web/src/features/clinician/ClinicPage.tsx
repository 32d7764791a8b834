import { Button, Radio, Skeleton } from 'antd';
import { useEffect, useRef, useState } from 'react';
import type { ConsultationSummary, Listing, Urgency } from '../../api/types';
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
import { arrange, isSame, type Shown } from './steadyRows';

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

  return (
    <Page title={t('clinic.title')} lead={t('clinic.lead')}>
      <Filters filter={filter} onChoose={setFilter} />
      <ClinicList key={JSON.stringify(listingOf(filter))} filter={filter} />
    </Page>
  );
}

function ClinicList({ filter }: { filter: ClinicFilter }) {
  const t = useTexts();
  const list = useLiveList(listingOf(filter));
  const items = list.currentData?.pages.flatMap((page) => page.items);
  const { rows, news, showAll } = useSteadyRows(items, list.fulfilledTimeStamp);
  const { area, bringIntoView } = useRowInView();

  return (
    <>
      <FailureAlert error={list.error} onRetry={() => void list.refetch()} />
      <News
        news={news}
        onShow={() => {
          bringIntoView(news[0]?.id);
          showAll();
        }}
      />
      {!items && list.isFetching && <Skeleton active paragraph={{ rows: 10 }} />}
      {items?.length === 0 && <p className="card empty">{t(emptyTextOf(filter))}</p>}
      {rows.length > 0 && (
        <div ref={area}>
          <ConsultationList items={rows} isOfClinic />
          <LoadMore list={list} />
          <p className="small">{t('clinic.loaded', { count: rows.length })}</p>
        </div>
      )}
    </>
  );
}

/**
 * What is new stays behind a button, since rows must not move under a finger. It stays in sight as
 * one scrolls, and is said by screen readers; an emergency at once, whatever they are saying.
 */
function News({ news, onShow }: { news: ConsultationSummary[]; onShow: () => void }) {
  const t = useTexts();
  const emergencies = news.filter(({ urgency }) => urgency === 'emergency').length;
  const key = emergencies > 0 ? 'clinic.news.emergency' : 'clinic.news';

  return (
    <div className="news">
      <div aria-live="polite">
        {news.length > 0 && (
          <Button type="primary" danger={emergencies > 0} onClick={onShow}>
            {t(key, { count: news.length, emergencies })}
          </Button>
        )}
      </div>
      <p role="alert" className="unseen">
        {emergencies > 0 && t('clinic.news.alert', { emergencies })}
      </p>
    </div>
  );
}

/** Brings a row into view when it is there, and gives it the focus: it may be far above what is seen. */
function useRowInView() {
  const area = useRef<HTMLDivElement>(null);
  const wanted = useRef<string>(undefined);

  useEffect(() => {
    const id = wanted.current;
    if (!id) return;
    wanted.current = undefined;
    const link = area.current?.querySelector<HTMLElement>(`a[href="/consultations/${id}"]`);
    link?.focus({ preventScroll: true });
    link?.scrollIntoView({ block: 'center' });
  });

  const bringIntoView = (id: string | undefined) => {
    wanted.current = id;
  };
  return { area, bringIntoView };
}

/** The rows as they were shown, until one asks for what is new. */
function useSteadyRows(items: ConsultationSummary[] | undefined, readAt: number | undefined) {
  const [openedAt] = useState(Date.now);
  const [shown, setShown] = useState<Shown>();

  // What the cache had from before is shown, and what has changed since then is no news.
  const isOfNow = (readAt ?? 0) >= openedAt;
  const places = shown?.isOfNow ? shown.places : undefined;
  const arranged = arrange(places, items ?? []);
  const next: Shown = { places: arranged.places, isOfNow };
  if (items && !isSame(shown, next)) setShown(next);

  const showAll = () => {
    setShown(undefined);
  };
  return { rows: arranged.rows, news: arranged.news, showAll };
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
