import { useEffect, useState } from 'react';
import { load } from '../../app/notLoaded';
import { useLanguage } from '../texts';

type Words = typeof import('./zh');

/** What is not loaded yet, and what need not be or could not be. */
type State = Words | 'loading' | 'none';

/**
 * The API's problems in the person's language: `none` where its own English words do. They are
 * loaded when the first problem is there.
 */
export function useProblemWords(isNeeded: boolean): State {
  const isWanted = useLanguage() === 'zh' && isNeeded;
  const [words, setWords] = useState<State>('loading');

  useEffect(() => {
    if (!isWanted) return;
    let hasLeft = false;
    const take = (state: State) => {
      if (!hasLeft) setWords(state);
    };

    // Without a network they cannot be loaded; the title says then what is wrong.
    load(() => import('./zh')).then(take, () => {
      take('none');
    });
    return () => {
      hasLeft = true;
    };
  }, [isWanted]);

  return isWanted ? words : 'none';
}

/** A rule that a value breaks, in the person's language if it is known there. */
export function ruleIn(words: State, message: string): string {
  return (typeof words === 'object' && words.explainRule(message)) || message;
}
