import { useEffect, useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import { NavigationType, useNavigationType } from 'react-router';
import { useTexts } from '../i18n/texts';

interface Props {
  title: string;
  lead?: string;
  extra?: ReactNode;
  children?: ReactNode;
}

/**
 * A page with its heading, which has the focus when the page opens: screen readers then say it. A page
 * that was not there before is seen from its beginning; Back leads to where one was.
 */
export function Page({ title, lead, extra, children }: Props) {
  const t = useTexts();
  const heading = useRef<HTMLHeadingElement>(null);
  const isBack = useNavigationType() === NavigationType.Pop;
  const [opensAtTop] = useState(!isBack);

  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
  }, []);
  // Before it is seen.
  useLayoutEffect(() => {
    if (opensAtTop) window.scrollTo(0, 0);
  }, [opensAtTop]);
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
