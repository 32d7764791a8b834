/* eslint-disable @typescript-eslint/no-deprecated -- Cognito has no other client of its own that signs in by SRP; this one is in maintenance mode */
import type { CognitoUser, CognitoUserSession, ICognitoStorage } from 'amazon-cognito-identity-js';
import { config } from '../../app/config';
import { SecondFactorNeeded } from './signInFault';

/** Tokens are renewed when they have less than this to live. */
const MARGIN_MS = 60_000;

/** Who is signed in. Tokens are in this module's memory alone: nothing of them outlives the page. */
let user: CognitoUser | undefined;
let session: CognitoUserSession | undefined;
let renewal: Promise<CognitoUserSession> | undefined;

/** The user pool wants the person to choose a password before it lets them in. */
export class NewPasswordNeeded extends Error {}

/** Signs in by SRP: the password itself never leaves the page. */
export async function signInWithPassword(name: string, password: string): Promise<void> {
  const { AuthenticationDetails } = await cognito();
  const candidate = await newUser(name);
  const details = new AuthenticationDetails({ Username: name, Password: password });

  session = await new Promise<CognitoUserSession>((resolve, reject) => {
    user = candidate;
    candidate.authenticateUser(details, {
      onSuccess: resolve,
      onFailure: reject,
      newPasswordRequired: () => {
        reject(new NewPasswordNeeded());
      },
      ...secondFactors(reject),
    });
  });
}

/** Ends a sign-in that `NewPasswordNeeded` has interrupted. */
export async function chooseNewPassword(password: string): Promise<void> {
  const candidate = user;
  if (!candidate) throw new Error('nobody is signing in');

  session = await new Promise<CognitoUserSession>((resolve, reject) => {
    const callbacks = { onSuccess: resolve, onFailure: reject, ...secondFactors(reject) };
    candidate.completeNewPasswordChallenge(password, {}, callbacks);
  });
}

/** Cognito's client calls these where the pool asks for more; without them it would say nothing. */
function secondFactors(reject: (error: Error) => void) {
  const refuse = () => {
    reject(new SecondFactorNeeded());
  };
  return {
    mfaRequired: refuse,
    totpRequired: refuse,
    mfaSetup: refuse,
    selectMFAType: refuse,
    customChallenge: refuse,
  };
}

/** The ID token, renewed if it is about to end; none if nobody is signed in. */
export async function freshToken(): Promise<string | undefined> {
  const whose = user;
  const old = session;
  if (!old || !whose) return undefined;

  let current = old;
  if (old.getIdToken().getExpiration() * 1000 - Date.now() < MARGIN_MS) {
    renewal ??= renew(whose, old).finally(() => (renewal = undefined));
    current = await renewal.catch(() => old);
    // Whoever has signed out or in meanwhile has another session, or none.
    if (user !== whose) return undefined;
    session = current;
  }
  return current.getIdToken().getJwtToken();
}

/** Forgets the tokens. */
export function forgetTokens(): void {
  user = undefined;
  session = undefined;
  renewal = undefined;
}

function renew(whose: CognitoUser, old: CognitoUserSession): Promise<CognitoUserSession> {
  return new Promise((resolve, reject) => {
    whose.refreshSession(old.getRefreshToken(), (error: unknown, renewed: CognitoUserSession) => {
      if (error) reject(error instanceof Error ? error : new Error('the session has ended'));
      else resolve(renewed);
    });
  });
}

/** Only who signs in needs Cognito's client. */
function cognito() {
  return import('amazon-cognito-identity-js');
}

async function newUser(name: string): Promise<CognitoUser> {
  const { CognitoUser, CognitoUserPool } = await cognito();
  const { userPoolId, userPoolClientId, cognitoUrl } = config();

  const pool = new CognitoUserPool({
    UserPoolId: userPoolId,
    ClientId: userPoolClientId,
    Storage: memoryStorage(),
    ...(cognitoUrl && { endpoint: new URL(cognitoUrl, location.href).href }),
  });
  return new CognitoUser({ Username: name, Pool: pool, Storage: memoryStorage() });
}

/** What Cognito's client would keep in `localStorage`. */
function memoryStorage(): ICognitoStorage {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
    clear: () => {
      values.clear();
    },
  };
}
