import { Button, type ButtonProps } from 'antd';
import { useState, type MouseEvent, type ReactNode } from 'react';
import { isFresh, openWhenKnown, type TimedLink } from './timedLink';

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
  const [isReading, setReading] = useState(false);
  const [blocked, setBlocked] = useState<string>();
  const url = blocked ?? known?.url;

  const open = async () => {
    setReading(true);
    setBlocked(await openWhenKnown(read));
    setReading(false);
  };
  const tap = (event: MouseEvent) => {
    if (isReading) event.preventDefault();
    if (isReading || blocked || (known && isFresh(known))) return;
    event.preventDefault();
    void open();
  };

  return (
    <Button
      {...button}
      {...(url && { href: url, target: '_blank', rel: 'noreferrer noopener' })}
      loading={isReading}
      onClick={tap}
    >
      {children}
    </Button>
  );
}
