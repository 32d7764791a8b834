import { configureStore } from '@reduxjs/toolkit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { api } from '../../api/api';
import { readConsultationAgain } from '../../api/readAgain';
import { sessionReducer, signedIn } from '../auth/sessionSlice';
import { consultationsApi } from './consultationsApi';

const session = vi.hoisted(() => ({ token: 'first' }));

vi.mock('../../app/config', () => ({ config: () => ({ apiUrl: 'http://api.test' }) }));
vi.mock('../auth/tokens', () => ({
  freshToken: () => Promise.resolve(session.token),
  isCurrentToken: (token: string) => token === session.token,
}));

const { answerQuestions, awaitConsultation, getConsultation } = consultationsApi.endpoints;

/** What the API has to say, by method and path; a function may hold its answer back. */
type Answers = Record<string, () => Response | Promise<Response>>;

function serve(answers: Answers) {
  const calls: string[] = [];
  vi.stubGlobal('fetch', async (request: Request) => {
    const { pathname, search } = new URL(request.url);
    const call = `${request.method} ${pathname}${search}`;
    calls.push(call);
    const answer = answers[call];
    if (!answer) throw new Error(`nobody answers ${call}`);
    return answer();
  });
  return calls;
}

const json = (body: object, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });

const triage = { urgency: 'routine', advice: 'See a doctor.', red_flags: [] };
const consultation = {
  ...{ id: 'c', status: 'processing', urgency: 'routine', triage },
  ...{ questions: [], answers: {} },
};
const never = () => new Promise<Response>(() => undefined);

function openStore() {
  return configureStore({
    reducer: { [api.reducerPath]: api.reducer, session: sessionReducer },
    middleware: (defaults) => defaults().concat(api.middleware),
  });
}

let store: ReturnType<typeof openStore>;

beforeEach(() => {
  session.token = 'first';
  store = openStore();
});
afterEach(() => {
  store.dispatch(api.util.resetApiState());
  vi.unstubAllGlobals();
});

const read = () => getConsultation.select('c')(store.getState()).data;

describe('while a long poll is pending', () => {
  it('the decision on an answer is there with the answer, and what else changed is read', async () => {
    const answered = {
      ...triage,
      urgency: 'emergency',
      advice: 'Call.',
      questions: [],
      answers: {},
    };
    const calls = serve({
      'GET /v1/consultations/c': () => json(consultation),
      'GET /v1/consultations/c?wait=20': never,
      'POST /v1/consultations/c/answers': () => json(answered),
    });
    await store.dispatch(getConsultation.initiate('c'));
    const poll = store.dispatch(awaitConsultation.initiate('c'));
    calls.length = 0;

    await store.dispatch(answerQuestions.initiate({ id: 'c', answers: { a: 'yes' } }));
    expect(read()).toMatchObject({ urgency: 'emergency', triage: { advice: 'Call.' } });
    await expect.poll(() => calls).toContain('GET /v1/consultations/c');
    poll.abort();
  });
});

describe('a read that is on its way while something changes', () => {
  const path = 'GET /v1/consultations/c';
  let urgency: string;
  let letGo: () => void;

  /** The read of this number is answered with what was true when it came in, once it is let go. */
  function holdRead(held: number) {
    urgency = 'routine';
    let reads = 0;
    return serve({
      [path]: () => {
        const answer = json({ ...consultation, urgency });
        if (++reads !== held) return answer;
        return new Promise((resolve) => {
          letGo = () => {
            resolve(answer);
          };
        });
      },
      'POST /v1/consultations/c/answers': () =>
        json({ ...triage, urgency, questions: [], answers: {} }),
    });
  }

  it('does not take back the decision on an answer', async () => {
    const calls = holdRead(2);
    await store.dispatch(getConsultation.initiate('c'));
    const older = store.dispatch(getConsultation.initiate('c', { forceRefetch: true }));
    await expect.poll(() => calls).toEqual([path, path]);

    urgency = 'emergency';
    await store.dispatch(answerQuestions.initiate({ id: 'c', answers: { a: 'yes' } }));
    letGo();
    await older;
    expect(read()?.urgency).toBe('emergency');
  });

  it('does not hide what an event tells of, though it is the first', async () => {
    const calls = holdRead(1);
    const first = store.dispatch(getConsultation.initiate('c'));
    await expect.poll(() => calls).toEqual([path]);

    urgency = 'emergency';
    store.dispatch(readConsultationAgain('c'));
    letGo();
    await first;
    expect(read()?.urgency).toBe('emergency');
  });
});

describe('a long poll', () => {
  it('from before a change, and not to be asked again, takes nothing back', async () => {
    let letGo = (): void => undefined;
    const first = json(consultation, 200, { 'retry-after': '12' });
    serve({
      'GET /v1/consultations/c': () => json({ ...consultation, urgency: 'emergency' }),
      'GET /v1/consultations/c?wait=20': () =>
        new Promise((resolve) => {
          letGo = () => {
            resolve(first);
          };
        }),
    });
    const poll = store.dispatch(awaitConsultation.initiate('c'));
    await store.dispatch(getConsultation.initiate('c'));
    store.dispatch(readConsultationAgain('c'));
    letGo();
    expect((await poll).data?.retryAfter).toBe(12);
    expect(read()?.urgency).toBe('emergency');
  });

  it('tells when the next one may wait', async () => {
    serve({
      'GET /v1/consultations/c?wait=20': () => json(consultation, 200, { 'retry-after': '12' }),
    });
    const { data } = await store.dispatch(awaitConsultation.initiate('c'));
    expect(data).toMatchObject({ consultation, retryAfter: 12 });
  });

  it('of what is gone has the page ask for it, too', async () => {
    let isErased = false;
    const gone = () => json({ title: 'Not found' }, 404);
    const calls = serve({
      'GET /v1/consultations/c': () => (isErased ? gone() : json(consultation)),
      'GET /v1/consultations/c?wait=20': gone,
    });
    await store.dispatch(getConsultation.initiate('c'));
    isErased = true;
    await store.dispatch(awaitConsultation.initiate('c'));
    await expect.poll(() => calls.at(-1)).toBe('GET /v1/consultations/c');
  });
});

describe('a token that counts no more', () => {
  const me = { id: 'p', role: 'patient', tenant_id: 't' } as never;
  const status = () => store.getState().session.status;

  it('ends the session', async () => {
    store.dispatch(signedIn(me));
    serve({ 'GET /v1/consultations/c': () => json({}, 401) });
    await store.dispatch(getConsultation.initiate('c'));
    expect(status()).toBe('expired');
  });

  it('does not end the next session, if its answer comes late', async () => {
    store.dispatch(signedIn(me));
    serve({
      'GET /v1/consultations/c': () => {
        session.token = 'second'; // meanwhile somebody has signed in
        return json({}, 401);
      },
    });
    await store.dispatch(getConsultation.initiate('c'));
    expect(status()).toBe('signed_in');
  });
});
