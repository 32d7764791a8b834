import { Button } from 'antd';
import { useEffect, useRef } from 'react';
import { useTexts } from '../i18n/texts';

interface Props {
  /** A list that is read page by page. */
  list: {
    hasNextPage: boolean;
    isFetching: boolean;
    isFetchingNextPage: boolean;
    isError: boolean;
    fetchNextPage: () => unknown;
  };
}

/**
 * Reads the next page when it comes into sight; the button is for keyboards and screen readers. After
 * an error only the button asks again, and while anything is read nothing more is asked for.
 */
export function LoadMore({ list }: Props) {
  const t = useTexts();
  const { hasNextPage, isFetching, isFetchingNextPage, isError, fetchNextPage } = list;
  const mayRead = hasNextPage && !isFetching && !isError;
  const place = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const element = place.current;
    if (!element || !mayRead) return;

    const observer = new IntersectionObserver(([entry]) => {
      if (entry?.isIntersecting) fetchNextPage();
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [mayRead, fetchNextPage]);

  return (
    <div ref={place} className="load-more">
      {hasNextPage ? (
        <Button
          loading={isFetchingNextPage}
          onClick={() => {
            fetchNextPage();
          }}
        >
          {t('app.more')}
        </Button>
      ) : (
        <p className="small">{t('app.end')}</p>
      )}
    </div>
  );
}
