import { useLayoutEffect, useState } from 'react';
import { NavigationType, useLocation, useNavigationType } from 'react-router';

/** How far down a page of the history was left, by the key of its place there. */
const places = new Map<string, number>();

/** What says that a person goes somewhere else meanwhile. */
const ACTS = ['wheel', 'touchstart', 'keydown', 'pointerdown', 'click'] as const;

/**
 * Opens a page at its top, and one that the browser's Back leads to where it was left: the browser
 * itself goes there before the page has its length.
 */
export function useScrollPlace(): void {
  const { key } = useLocation();
  const isBack = useNavigationType() === NavigationType.Pop;
  const [opened] = useState({ key, isBack });

  useLayoutEffect(() => {
    const place = opened.isBack ? places.get(opened.key) : 0;
    const stop = place === undefined ? undefined : scrollTo(place);
    return () => {
      stop?.();
      places.set(opened.key, window.scrollY);
    };
  }, [opened]);
}

/** Leaves the page where it is: something else is to be seen than what was when it was left. */
export function stayHere(): void {
  stopReturning?.();
}

let stopReturning: (() => void) | undefined;

/**
 * Scrolls there as soon as the page is long enough, unless somebody scrolls before. It looks again at
 * the first frame: a page may be shorter for a moment while it is put together.
 */
function scrollTo(place: number): () => void {
  window.scrollTo(0, place);
  const grown = new ResizeObserver(() => {
    window.scrollTo(0, place);
    if (window.scrollY >= place) stop();
  });
  const stop = () => {
    grown.disconnect();
    for (const act of ACTS) window.removeEventListener(act, stop);
  };

  if (place > 0) {
    grown.observe(document.body);
    for (const act of ACTS) window.addEventListener(act, stop, { passive: true });
  }
  stopReturning = stop;
  return stop;
}
