import { Button, type ButtonProps } from 'antd';
import { useState, type MouseEvent, type ReactNode } from 'react';
import { useTexts } from '../i18n/texts';
import { isFresh, linkForNow, openWhenKnown, type TimedLink } from './timedLink';

interface Props {
  /** A link that was read with something else; none if it is asked for only when it is wanted. */
  known?: TimedLink;
  /** Asks for one that works for minutes from now on; nothing if there is none any more. */
  read: () => Promise<string | undefined>;
  button?: ButtonProps;
  children: ReactNode;
}

/** A link that ends after some minutes: one that has ended is asked for anew when it is tapped. */
export function FreshLink({ known, read, button, children }: Props) {
  const t = useTexts();
  const [isReading, setReading] = useState(false);
  const [blocked, setBlocked] = useState<TimedLink>();
  const link = blocked && isFresh(blocked) ? blocked : known;

  const open = async () => {
    setReading(true);
    const url = await openWhenKnown(read);
    setBlocked(url ? linkForNow(url) : undefined);
    setReading(false);
  };
  const tap = (event: MouseEvent) => {
    if (isReading) event.preventDefault();
    if (isReading || (link && isFresh(link))) {
      // Behind the tap: the browser still follows the link.
      if (blocked) setTimeout(setBlocked, 0, undefined);
      return;
    }
    event.preventDefault();
    void open();
  };

  return (
    <>
      <Button
        {...button}
        {...(link && { href: link.url, target: '_blank', rel: 'noreferrer noopener' })}
        loading={isReading}
        onClick={tap}
      >
        {children}
      </Button>
      <span className="unseen" role="status">
        {blocked && t('app.tapAgain')}
      </span>
      {blocked && (
        <span className="small" aria-hidden>
          {t('app.tapAgain')}
        </span>
      )}
    </>
  );
}
