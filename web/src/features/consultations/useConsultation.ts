import { useEffect } from 'react';
import { isNotFound, type Failure } from '../../api/failure';
import { useAppSelector } from '../../app/hooks';
import { useFollow } from '../realtime/RealtimeProvider';
import { isLive } from '../realtime/realtimeSlice';
import { useGetConsultationQuery, useLazyAwaitConsultationQuery } from './consultationsApi';
import { secondsBeforeNext } from './longPoll';

/** What the API says of a consultation that is not there any more. */
const ERASED: Failure = { kind: 'refused', status: 404, fields: [] };

/**
 * A consultation that is kept up to date: by events while the WebSocket tells of it, by long polls
 * while it does not. Of one that is gone nothing is shown, though the cache may still have it.
 */
export function useConsultation(id: string) {
  const isErased = useAppSelector((state) => state.realtime.erased[id] === true);
  const { currentData, error, refetch } = useGetConsultationQuery(id, { skip: isErased });
  const isFollowed = useAppSelector((state) => isLive(state.realtime, id));
  const isGone = isErased || isNotFound(error);
  const consultation = isGone ? undefined : currentData;

  useFollow(id);
  useLongPoll(id, consultation?.status === 'processing' && !isFollowed);

  const retry = () => {
    if (!isErased) void refetch();
  };
  return { consultation, error: isErased ? ERASED : error, retry };
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
      const answer = await asked;
      if (hasEnded) return;
      timer = setTimeout(() => void poll(), secondsBeforeNext(answer) * 1000);
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
