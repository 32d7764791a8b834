import { useEffect, useRef, type ReactNode } from 'react';
import { useTexts } from '../i18n/texts';
import { useScrollPlace } from './useScrollPlace';

interface Props {
  title: string;
  lead?: string;
  extra?: ReactNode;
  children?: ReactNode;
}

/** A page with its heading, which has the focus when the page opens: screen readers then say it. */
export function Page({ title, lead, extra, children }: Props) {
  const t = useTexts();
  const heading = useRef<HTMLHeadingElement>(null);
  useScrollPlace();

  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    document.title = `${title} · ${t('app.name')}`;
  }, [title, t]);

  return (
    <>
      <div className="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {extra}
      </div>
      {lead && <p className="lead">{lead}</p>}
      {children}
    </>
  );
}
