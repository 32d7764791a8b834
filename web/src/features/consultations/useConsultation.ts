import { useEffect } from 'react';
import { isFailure } from '../../api/failure';
import { useAppSelector } from '../../app/hooks';
import { useFollow } from '../realtime/RealtimeProvider';
import { useGetConsultationQuery, useLazyAwaitConsultationQuery } from './consultationsApi';

/** Before a call that was refused is made again, if the API does not say when. */
const PAUSE_S = 5;

/**
 * A consultation that is kept up to date: by events while the WebSocket is open, by long polls while
 * it is not.
 */
export function useConsultation(id: string) {
  const { data, error, refetch } = useGetConsultationQuery(id);
  const isOpen = useAppSelector((state) => state.realtime.connection === 'open');

  useFollow(id);
  useLongPoll(id, data?.status === 'processing' && !isOpen);

  const retry = () => {
    void refetch();
  };
  return { consultation: data, error, retry };
}

/** Asks again and again for as long as it is wanted; each call is held back by the API. */
function useLongPoll(id: string, isWanted: boolean): void {
  const [ask] = useLazyAwaitConsultationQuery();

  useEffect(() => {
    if (!isWanted) return;
    let hasEnded = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asked: ReturnType<typeof ask> | undefined;

    const poll = async () => {
      asked = ask(id);
      const { error } = await asked;
      if (hasEnded) return;
      const pause = error ? (isFailure(error) && error.retryAfter) || PAUSE_S : 1;
      timer = setTimeout(() => void poll(), pause * 1000);
    };
    void poll();

    return () => {
      hasEnded = true;
      clearTimeout(timer);
      // Its answer would be older than what the socket has told meanwhile.
      asked?.abort();
    };
  }, [ask, id, isWanted]);
}
