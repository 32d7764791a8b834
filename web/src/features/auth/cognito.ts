import { config } from '../../app/config';
import { newEphemeral, sign, timestampOf } from './srp';

/** Longer than Cognito takes, with a trigger of its own. */
const TIMEOUT_MS = 20_000;

/** What a sign-in ends with. */
export interface Tokens {
  idToken: string;
  refreshToken: string;
  /** By this page's clock, in milliseconds since 1970. */
  expiresAt: number;
}

/** What the user pool asks for before it gives tokens. */
export interface Challenge {
  name: string;
  session: string;
  user: string;
}

export type Step = { tokens: Tokens } | { challenge: Challenge };

/** The parts of Cognito's answers that are read. */
interface Answer {
  AuthenticationResult?: { IdToken: string; RefreshToken?: string; ExpiresIn: number };
  ChallengeName?: string;
  ChallengeParameters?: Record<string, string>;
  Session?: string;
}

/** A refusal, by Cognito's own name for it; `NetworkError` if there was no answer. */
export class CognitoError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Begins a sign-in, and proves that the password is known. */
export async function signIn(name: string, password: string): Promise<Step> {
  const ephemeral = newEphemeral();
  const begun = await call('InitiateAuth', {
    AuthFlow: 'USER_SRP_AUTH',
    AuthParameters: { USERNAME: name, SRP_A: ephemeral.A.toString(16) },
  });
  const asked = begun.ChallengeParameters ?? {};
  const { SALT = '', SRP_B = '', SECRET_BLOCK = '', USER_ID_FOR_SRP: user = name } = asked;
  if (begun.ChallengeName !== 'PASSWORD_VERIFIER') return stepOf(begun, user);

  const timestamp = timestampOf(new Date());
  const pool = config().userPoolId.split('_')[1] ?? '';
  const challenge = { pool, user, salt: SALT, B: SRP_B, secretBlock: SECRET_BLOCK };
  const signature = await sign(ephemeral, challenge, password, timestamp);
  const proven = await call('RespondToAuthChallenge', {
    ChallengeName: 'PASSWORD_VERIFIER',
    ChallengeResponses: {
      USERNAME: user,
      PASSWORD_CLAIM_SECRET_BLOCK: SECRET_BLOCK,
      PASSWORD_CLAIM_SIGNATURE: signature,
      TIMESTAMP: timestamp,
    },
    ...(begun.Session && { Session: begun.Session }),
  });
  return stepOf(proven, user);
}

/** Answers a challenge that asks for a new password. */
export async function setPassword(challenge: Challenge, password: string): Promise<Step> {
  const answer = await call('RespondToAuthChallenge', {
    ChallengeName: challenge.name,
    Session: challenge.session,
    ChallengeResponses: { USERNAME: challenge.user, NEW_PASSWORD: password },
  });
  return stepOf(answer, challenge.user);
}

/** New tokens in place of some that are about to end. */
export async function renew({ refreshToken }: Tokens): Promise<Tokens> {
  const answer = await call('InitiateAuth', {
    AuthFlow: 'REFRESH_TOKEN_AUTH',
    AuthParameters: { REFRESH_TOKEN: refreshToken },
  });
  const step = stepOf(answer, '', refreshToken);
  if ('challenge' in step) throw new CognitoError('ChallengeError', step.challenge.name);
  return step.tokens;
}

function stepOf(answer: Answer, user: string, oldRefreshToken = ''): Step {
  const { AuthenticationResult: result, ChallengeName, ChallengeParameters, Session } = answer;
  if (!result) {
    const name = ChallengeName ?? '';
    const whose = ChallengeParameters?.USER_ID_FOR_SRP ?? user;
    return { challenge: { name, session: Session ?? '', user: whose } };
  }

  const tokens = {
    idToken: result.IdToken,
    refreshToken: result.RefreshToken ?? oldRefreshToken,
    expiresAt: Date.now() + result.ExpiresIn * 1000,
  };
  return { tokens };
}

async function call(operation: string, body: object): Promise<Answer> {
  const { userPoolId, userPoolClientId, cognitoUrl } = config();
  const region = userPoolId.split('_')[0] ?? '';
  const url = cognitoUrl ?? `https://cognito-idp.${region}.amazonaws.com/`;

  const answer = await fetch(new URL(url, location.href), {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `AWSCognitoIdentityProviderService.${operation}`,
    },
    body: JSON.stringify({ ClientId: userPoolClientId, ...body }),
    cache: 'no-store',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => {
    throw new CognitoError('NetworkError', 'no answer has come');
  });
  const read = (await answer.json().catch(() => ({}))) as Answer & Refusal;
  if (answer.ok) return read;

  // `com.amazonaws…#NotAuthorizedException` at times.
  const code = (read.__type ?? '').split('#').at(-1) ?? '';
  throw new CognitoError(code, read.message ?? read.Message ?? '');
}

interface Refusal {
  __type?: string;
  message?: string;
  Message?: string;
}
