/* eslint-disable @typescript-eslint/no-deprecated -- it is in maintenance mode, in favour of Amplify 6: docs/web.md says why it is kept */
import {
  AuthenticationDetails,
  CognitoUser,
  CognitoUserPool,
  type CognitoUserSession,
  type IAuthenticationCallback,
  type ICognitoStorage,
} from 'amazon-cognito-identity-js';
import { config } from '../../app/config';
import { NoAnswer, SecondFactorNeeded } from './signInFault';

/** Longer than Cognito takes, with a trigger of its own. Amazon's client would wait for ever. */
const TIMEOUT_MS = 20_000;

/** What a sign-in ends with. */
export interface Tokens {
  idToken: string;
  /** By this page's clock, in milliseconds since 1970. */
  expiresAt: number;
  renew: () => Promise<Tokens>;
}

/** Where a sign-in has come to: its end, or a password that the person has to choose before. */
export type Step = { tokens: Tokens } | { choosePassword: (password: string) => Promise<Step> };

/** Signs in by SRP: the password itself never leaves the page. */
export function signIn(name: string, password: string): Promise<Step> {
  const user = newUser(name);
  const details = new AuthenticationDetails({ Username: name, Password: password });
  return nextStep(user, (callbacks) => {
    user.authenticateUser(details, callbacks);
  });
}

function nextStep(
  user: CognitoUser,
  begin: (callbacks: IAuthenticationCallback) => void,
): Promise<Step> {
  const choosePassword = (password: string) =>
    nextStep(user, (callbacks) => {
      user.completeNewPasswordChallenge(password, {}, callbacks);
    });

  return inTime((resolve, reject) => {
    const isAskedForMore = () => {
      reject(new SecondFactorNeeded());
    };
    begin({
      onSuccess: (session) => {
        resolve({ tokens: tokensOf(user, session) });
      },
      onFailure: reject,
      newPasswordRequired: () => {
        resolve({ choosePassword });
      },
      mfaRequired: isAskedForMore,
      totpRequired: isAskedForMore,
      selectMFAType: isAskedForMore,
      mfaSetup: isAskedForMore,
      customChallenge: isAskedForMore,
    });
  });
}

function tokensOf(user: CognitoUser, session: CognitoUserSession): Tokens {
  const idToken = session.getIdToken();
  // How long it lives, since this page's clock may be wrong.
  const seconds = idToken.getExpiration() - idToken.getIssuedAt();
  return {
    idToken: idToken.getJwtToken(),
    expiresAt: Date.now() + seconds * 1000,
    renew: () => renew(user, session),
  };
}

function renew(user: CognitoUser, session: CognitoUserSession): Promise<Tokens> {
  return inTime((resolve, reject) => {
    user.refreshSession(
      session.getRefreshToken(),
      (error: unknown, renewed: CognitoUserSession) => {
        if (error) reject(error);
        else resolve(tokensOf(user, renewed));
      },
    );
  });
}

type Begin<T> = (resolve: (value: T) => void, reject: (error: unknown) => void) => void;

async function inTime<T>(begin: Begin<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const answer = new Promise<T>((resolve, reject) => {
    timer = setTimeout(() => {
      reject(new NoAnswer());
    }, TIMEOUT_MS);
    begin(resolve, reject);
  });
  return answer.finally(() => {
    clearTimeout(timer);
  });
}

function newUser(name: string): CognitoUser {
  const { userPoolId, userPoolClientId, cognitoUrl } = config();
  const storage = memoryStorage();
  const pool = new CognitoUserPool({
    UserPoolId: userPoolId,
    ClientId: userPoolClientId,
    Storage: storage,
    ...(cognitoUrl && { endpoint: new URL(cognitoUrl, location.href).href }),
  });
  return new CognitoUser({ Username: name, Pool: pool, Storage: storage });
}

/** What Amazon's client would keep in `localStorage`. */
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
