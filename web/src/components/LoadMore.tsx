import { Button } from 'antd';
import { useEffect, useRef } from 'react';
import { useTexts } from '../i18n/texts';

interface Props {
  /** A list that is read page by page. */
  list: {
    hasNextPage: boolean;
    isFetchingNextPage: boolean;
    fetchNextPage: () => unknown;
  };
}

/** Reads the next page when it comes into sight; the button is for keyboards and screen readers. */
export function LoadMore({ list }: Props) {
  const t = useTexts();
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const place = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const element = place.current;
    if (!element || !hasNextPage || isFetchingNextPage) return;

    const observer = new IntersectionObserver(([entry]) => {
      if (entry?.isIntersecting) fetchNextPage();
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);

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
