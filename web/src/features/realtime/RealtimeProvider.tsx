import { createContext, useContext, useEffect, useMemo, type ReactNode } from 'react';
import { readConsultationAgain } from '../../api/readAgain';
import { config } from '../../app/config';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import type { AppDispatch } from '../../app/store';
import { freshToken } from '../auth/tokens';
import { RealtimeConnection } from './connection';
import type { ConsultationEvent } from './events';
import { connectionChanged, erasureTold, eventsTaken, subscriptionChanged } from './realtimeSlice';

const RealtimeContext = createContext<RealtimeConnection | undefined>(undefined);

/** Holds the person's connection from sign-in to sign-out; it opens when something is followed. */
export function RealtimeProvider({ children }: { children: ReactNode }) {
  const dispatch = useAppDispatch();
  const userId = useAppSelector((state) => state.session.me?.id);
  const connection = useMemo(() => (userId ? connect(dispatch) : undefined), [dispatch, userId]);

  useEffect(() => {
    const check = () => connection?.check();
    const checkIfSeen = () => {
      if (document.visibilityState === 'visible') check();
    };
    window.addEventListener('online', check);
    document.addEventListener('visibilitychange', checkIfSeen);

    return () => {
      window.removeEventListener('online', check);
      document.removeEventListener('visibilitychange', checkIfSeen);
      connection?.close();
    };
  }, [connection]);

  return <RealtimeContext.Provider value={connection}>{children}</RealtimeContext.Provider>;
}

function connect(dispatch: AppDispatch): RealtimeConnection {
  const readAgain = (id: string) => {
    dispatch(readConsultationAgain(id));
  };

  return new RealtimeConnection({
    url: config().websocketUrl,
    token: freshToken,
    onState: (state) => dispatch(connectionChanged(state)),
    onSubscription: (id, isThere) => dispatch(subscriptionChanged({ id, isThere })),
    onNotFound: readAgain,
    onErased: (id) => {
      dispatch(erasureTold(id));
      readAgain(id);
    },
    onEvents: (id, events) => {
      dispatch(eventsTaken({ id, events }));
      if (events.some(changesWhatIsRead)) readAgain(id);
    },
  });
}

/** Neither progress nor a summary that is being written changes what HTTP answers. */
function changesWhatIsRead({ type }: ConsultationEvent): boolean {
  return type !== 'progress' && type !== 'summary';
}

/** Follows a consultation while the component is there. */
export function useFollow(consultationId: string): void {
  const connection = useContext(RealtimeContext);

  useEffect(() => {
    connection?.follow(consultationId);
    return () => connection?.unfollow(consultationId);
  }, [connection, consultationId]);
}
