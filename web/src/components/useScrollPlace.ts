import { useLayoutEffect, useState } from 'react';
import { NavigationType, useLocation, useNavigationType } from 'react-router';

/** How far down a page of the history was left, by the key of its place there. */
const places = new Map<string, number>();

/** What says that a person goes somewhere else meanwhile. */
const ACTS = ['wheel', 'touchstart', 'keydown', 'pointerdown'] as const;

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

/** Scrolls there as soon as the page is long enough, unless somebody scrolls before. */
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

  if (window.scrollY < place) {
    grown.observe(document.body);
    for (const act of ACTS) window.addEventListener(act, stop, { passive: true });
  }
  return stop;
}
