import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { signIn, type Tokens } from './cognito';
import { readSignInFault, SecondFactorNeeded } from './signInFault';

vi.mock('../../app/config', () => ({
  config: () => ({ userPoolId: 'eu-west-1_Ab3xYz', userPoolClientId: 'client' }),
}));

/** The big numbers of Amazon's client are slow. */
const SLOW_MS = 60_000;

const PASSWORD = '密码 Password-1';
const NOW = Date.UTC(2026, 10, 3, 4, 5, 6);

/** A call of Amazon's client to the user pool. */
interface Call {
  operation: string;
  body: { Session?: string } & Record<'AuthParameters' | 'ChallengeResponses', Parameters>;
}
type Parameters = Record<string, string> | undefined;

/** What the user pool answers, one call after the other. */
let answers: (() => Promise<Response>)[] = [];
let calls: Call[] = [];

beforeEach(() => {
  answers = [];
  calls = [];
  vi.stubGlobal('fetch', (_: string, { headers, body }: Sent) => {
    const operation = headers['X-Amz-Target'].split('.')[1] ?? '';
    calls.push({ operation, body: JSON.parse(body) as Call['body'] });
    return answers.shift()?.() ?? Promise.reject(new Error('one call too many'));
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

interface Sent {
  headers: { 'X-Amz-Target': string };
  body: string;
}

const answer = (body: object, status = 200) => {
  return () => Promise.resolve(Response.json(body, { status }));
};

const refusal = (code: string, message: string) => answer({ __type: code, message }, 400);

/** Asks for the proof that the password is known; any numbers of the group do. */
const verifier = answer({
  ChallengeName: 'PASSWORD_VERIFIER',
  ChallengeParameters: {
    SALT: 'c0ffee',
    SRP_B: '2f'.repeat(300),
    SECRET_BLOCK: 'AAEC/w==',
    USER_ID_FOR_SRP: 'id-of-li',
  },
});

const challenge = (name: string) => {
  const parameters = { userAttributes: '{}', requiredAttributes: '[]' };
  return answer({ ChallengeName: name, ChallengeParameters: parameters, Session: 'session' });
};

/** Tokens for an hour, by a clock that is years behind the page's. */
function success(name: string, RefreshToken?: string) {
  const times = { iat: 1_000_000_000, exp: 1_000_003_600 };
  const payload = Buffer.from(JSON.stringify({ name, ...times })).toString('base64url');
  const token = `head.${payload}.signature`;
  const result = { IdToken: token, AccessToken: token, ...(RefreshToken && { RefreshToken }) };
  return answer({ AuthenticationResult: result });
}

const nameIn = ({ idToken }: Tokens) => {
  const payload = Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString();
  return (JSON.parse(payload) as { name: string }).name;
};

async function tokens(step: ReturnType<typeof signIn>): Promise<Tokens> {
  const reached = await step;
  if (!('tokens' in reached)) throw new Error('the sign-in has not ended');
  return reached.tokens;
}

/** How a sign-in or its continuation fails, as the page reads it. */
async function faultOf(step: Promise<unknown>) {
  const error: unknown = await step.then(
    () => 'it has not failed',
    (error: unknown) => error,
  );
  return readSignInFault(error);
}

describe('a sign-in', { timeout: SLOW_MS }, () => {
  it('proves the password without sending it, and tells how long tokens live', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: NOW });
    answers = [verifier, success('first', 'refresh')];
    const got = await tokens(signIn('li', PASSWORD));

    expect(nameIn(got)).toBe('first');
    expect(got.expiresAt).toBe(NOW + 3_600_000);
    expect(calls.map(({ operation }) => operation)).toEqual([
      'InitiateAuth',
      'RespondToAuthChallenge',
    ]);
    expect(calls[1]?.body.ChallengeResponses).toMatchObject({
      USERNAME: 'id-of-li',
      PASSWORD_CLAIM_SIGNATURE: expect.stringMatching(/^[\w+/]{43}=$/) as string,
      TIMESTAMP: 'Tue Nov 3 04:05:06 UTC 2026',
    });
    expect(JSON.stringify(calls)).not.toContain(PASSWORD);
  });

  it('keeps nothing where it would outlive the page', async () => {
    const storage = { setItem: vi.fn(), getItem: vi.fn(), removeItem: vi.fn(), clear: vi.fn() };
    vi.stubGlobal('window', { localStorage: storage, sessionStorage: storage });
    answers = [verifier, success('first', 'refresh')];
    await signIn('li', PASSWORD);
    expect(storage.setItem).not.toHaveBeenCalled();
  });

  it('goes on with a password that the person chooses, until it keeps the rules', async () => {
    answers = [verifier, challenge('NEW_PASSWORD_REQUIRED')];
    const reached = await signIn('li', PASSWORD);
    if (!('choosePassword' in reached)) throw new Error('no password is asked for');

    const rule = 'Password did not conform with policy: Password not long enough';
    answers = [refusal('InvalidPasswordException', rule)];
    expect(await faultOf(reached.choosePassword('short'))).toEqual({
      text: 'auth.fault.policy',
      reasons: ['auth.policy.length'],
      isOver: false,
    });

    answers = [success('chosen', 'refresh')];
    expect(nameIn(await tokens(reached.choosePassword('a-Password-of-1')))).toBe('chosen');
    expect(calls.at(-1)?.body).toMatchObject({
      ChallengeName: 'NEW_PASSWORD_REQUIRED',
      Session: 'session',
      ChallengeResponses: { USERNAME: 'id-of-li', NEW_PASSWORD: 'a-Password-of-1' },
    });
  });

  it.each(['SMS_MFA', 'SOFTWARE_TOKEN_MFA', 'SELECT_MFA_TYPE', 'MFA_SETUP', 'CUSTOM_CHALLENGE'])(
    'ends where the pool asks for what the page has no field for: %s',
    async (name) => {
      answers = [verifier, challenge(name)];
      await expect(signIn('li', PASSWORD)).rejects.toBeInstanceOf(SecondFactorNeeded);
    },
  );

  it('that the pool refuses for its proof is of a wrong password', async () => {
    answers = [verifier, refusal('NotAuthorizedException', 'Incorrect username or password.')];
    expect((await faultOf(signIn('li', PASSWORD)))?.text).toBe('auth.fault.password');
  });
});

describe('a sign-in that does not begin', () => {
  it.each([
    ['NotAuthorizedException', 'Password attempts exceeded', 'auth.fault.attempts'],
    ['com.amazonaws#UserNotConfirmedException', 'Not confirmed', 'auth.fault.unconfirmed'],
    ['PasswordResetRequiredException', 'Password reset required', 'auth.fault.reset'],
    ['TooManyRequestsException', 'Rate exceeded', 'auth.fault.busy'],
    ['LimitExceededException', 'Attempt limit exceeded', 'auth.fault.attempts'],
    ['InternalErrorException', '', 'auth.fault.service'],
  ])('says why: %s', async (code, message, text) => {
    answers = [refusal(code, message)];
    expect((await faultOf(signIn('li', PASSWORD)))?.text).toBe(text);
  });

  it('says so where the pool is not reached', async () => {
    answers = [() => Promise.reject(new TypeError('Failed to fetch'))];
    expect((await faultOf(signIn('li', PASSWORD)))?.text).toBe('auth.fault.network');
  });

  it('says so where the pool never answers', async () => {
    vi.useFakeTimers();
    answers = [() => new Promise(() => undefined)];
    const fault = faultOf(signIn('li', PASSWORD));
    await vi.runAllTimersAsync();
    expect((await fault)?.text).toBe('auth.fault.network');
  });

  it('says so where what answers is no user pool', async () => {
    answers = [() => Promise.resolve(new Response('<html>', { status: 502 }))];
    expect((await faultOf(signIn('li', PASSWORD)))?.text).toBe('auth.fault.service');
  });
});

it('tokens are renewed by the refresh token, again and again', { timeout: SLOW_MS }, async () => {
  answers = [verifier, success('first', 'refresh'), success('second'), success('third')];
  const first = await tokens(signIn('li', PASSWORD));
  const second = await first.renew();
  const third = await second.renew();

  expect([first, second, third].map(nameIn)).toEqual(['first', 'second', 'third']);
  expect(calls.slice(2).map(({ body }) => body.AuthParameters?.REFRESH_TOKEN)).toEqual([
    'refresh',
    'refresh',
  ]);
});

it('a renewal that is refused is given up', { timeout: SLOW_MS }, async () => {
  answers = [verifier, success('first', 'refresh')];
  const first = await tokens(signIn('li', PASSWORD));

  vi.useFakeTimers();
  const isRevoked = refusal('NotAuthorizedException', 'Refresh Token has been revoked');
  answers = Array<typeof isRevoked>(6).fill(isRevoked);
  const renewal = first.renew().catch((error: unknown) => error);
  await vi.runAllTimersAsync();
  expect(await renewal).toMatchObject({ code: 'NotAuthorizedException' });
  expect(answers).toEqual([]);
});
