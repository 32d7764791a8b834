import { useEffect, useRef, type RefObject } from 'react';
import type { Urgency } from '../../api/types';
import { stayHere } from '../../components/useScrollPlace';
import { hasRisen } from './risen';

/**
 * Brings the banner into view and gives it the focus when the urgency rises: an answer or a message
 * is given further down the page, where the banner is out of sight on a phone.
 */
export function useShownWhenRisen(urgency: Urgency | undefined): RefObject<HTMLDivElement> {
  const banner = useRef<HTMLDivElement>(null);
  const before = useRef(urgency);

  useEffect(() => {
    const isRisen = hasRisen(before.current, urgency);
    before.current = urgency;
    if (!isRisen) return;

    stayHere();
    const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
    banner.current?.focus({ preventScroll: true });
    banner.current?.scrollIntoView({ behavior: isStill ? 'instant' : 'smooth', block: 'start' });
  }, [urgency]);
  return banner;
}
