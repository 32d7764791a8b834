import { Button } from 'antd';
import { useEffect, useRef } from 'react';
import { useTexts } from '../i18n/texts';

interface Props {
  hasMore: boolean;
  isLoading: boolean;
  onLoad: () => void;
}

/** Reads the next page when it comes into sight; the button is for keyboards and screen readers. */
export function LoadMore({ hasMore, isLoading, onLoad }: Props) {
  const t = useTexts();
  const place = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const element = place.current;
    if (!element || !hasMore || isLoading) return;

    const observer = new IntersectionObserver(([entry]) => {
      if (entry?.isIntersecting) onLoad();
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [hasMore, isLoading, onLoad]);

  return (
    <div ref={place} className="load-more">
      {hasMore ? (
        <Button loading={isLoading} onClick={onLoad}>
          {t('app.more')}
        </Button>
      ) : (
        <p className="small">{t('app.end')}</p>
      )}
    </div>
  );
}
