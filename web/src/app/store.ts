import { configureStore } from '@reduxjs/toolkit';
import { setupListeners } from '@reduxjs/toolkit/query';
import { api } from '../api/api';
import { forgetsExpired } from '../features/auth/expiry';
import { sessionReducer } from '../features/auth/sessionSlice';
import { acceptedReducer } from '../features/consultations/acceptedSlice';
import { realtimeReducer } from '../features/realtime/realtimeSlice';
import { preferencesReducer } from './preferencesSlice';

export const store = configureStore({
  reducer: {
    [api.reducerPath]: api.reducer,
    accepted: acceptedReducer,
    preferences: preferencesReducer,
    realtime: realtimeReducer,
    session: sessionReducer,
  },
  middleware: (defaults) => defaults().concat(api.middleware, forgetsExpired),
});

setupListeners(store.dispatch);

export type RootState = ReturnType<typeof store.getState>;
export type AppDispatch = typeof store.dispatch;
