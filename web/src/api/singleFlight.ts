import { useCallback, useRef } from 'react';

/**
 * Begins nothing while the same is under way: for a create that has no `Idempotency-Key`, whose second
 * call would make nothing either, but be answered with an error.
 */
export function singleFlight() {
  let isUnderWay = false;

  return async (work: () => Promise<unknown>): Promise<void> => {
    if (isUnderWay) return;
    isUnderWay = true;
    try {
      await work();
    } finally {
      isUnderWay = false;
    }
  };
}

/** The same for a component, for as long as it is there. */
export function useSingleFlight(): (work: () => Promise<unknown>) => void {
  const flight = useRef<ReturnType<typeof singleFlight>>(undefined);

  return useCallback((work) => {
    flight.current ??= singleFlight();
    void flight.current(work);
  }, []);
}
