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

/**
 * Scrolls there as soon as the page is long enough, and again if it was shorter for a moment while
 * something was read, until somebody does something.
 */
function scrollTo(place: number): () => void {
  window.scrollTo(0, place);
  const changed = new ResizeObserver(() => {
    if (window.scrollY < place) window.scrollTo(0, place);
  });
  const stop = () => {
    changed.disconnect();
    for (const act of ACTS) window.removeEventListener(act, stop);
  };

  if (place > 0) {
    changed.observe(document.body);
    for (const act of ACTS) window.addEventListener(act, stop, { passive: true });
  }
  return stop;
}
