import { useEffect, useState } from 'react';
import { isFailure, type Failure } from '../api/failure';

/** The seconds until a failed call may be made again, counting down; 0 if it may be made now. */
export function useCountdown(failure: Failure | undefined): number {
  const [seconds, setSeconds] = useState(0);

  useEffect(() => {
    const end = Date.now() + (failure?.retryAfter ?? 0) * 1000;
    const tell = () => {
      const left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
      setSeconds(left);
      if (left === 0) clearInterval(timer);
    };
    const timer = setInterval(tell, 1000);
    tell();

    return () => {
      clearInterval(timer);
    };
  }, [failure]);

  return seconds;
}

/** Whether what a call was refused with says to wait before it is made again. */
export function useHeldBack(error: unknown): boolean {
  return useCountdown(isFailure(error) ? error : undefined) > 0;
}
