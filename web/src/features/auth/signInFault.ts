import { isFailure } from '../../api/failure';
import type { TextKey } from '../../i18n/texts';

/** Why nobody was signed in, as Cognito or its client tells it. */
export interface SignInFault {
  text: TextKey;
  /** What of a new password is missing, each in a sentence of its own. */
  reasons: TextKey[];
  /** Whether the sign-in has to begin anew, by name and password. */
  isOver: boolean;
}

/** The user pool asks for a code of an app or a message, which this page has no field for. */
export class SecondFactorNeeded extends Error {}

/** Neither an answer nor a refusal has come, in the words of Cognito's client. */
export class NoAnswer extends Error {
  readonly code = 'NetworkError';
}

/** Errors whose name says all. */
const TEXTS: Record<string, TextKey> = {
  UserNotFoundException: 'auth.fault.password',
  UserNotConfirmedException: 'auth.fault.unconfirmed',
  PasswordResetRequiredException: 'auth.fault.reset',
  PasswordHistoryPolicyViolationException: 'auth.fault.usedBefore',
  TooManyRequestsException: 'auth.fault.busy',
  ThrottlingException: 'auth.fault.busy',
  LimitExceededException: 'auth.fault.attempts',
  TooManyFailedAttemptsException: 'auth.fault.attempts',
  ForbiddenException: 'auth.fault.forbidden',
  UserLambdaValidationException: 'auth.fault.forbidden',
  NetworkError: 'auth.fault.network',
};

/** `NotAuthorizedException` is many things, known by their words alone. */
const REFUSALS: [RegExp, TextKey][] = [
  [/attempts exceeded/i, 'auth.fault.attempts'],
  [/disabled/i, 'auth.fault.disabled'],
  [/temporary password has expired/i, 'auth.fault.temporary'],
  [/session/i, 'auth.fault.session'],
];

/** The rules of the user pool that a new password may break. */
const RULES: [RegExp, TextKey][] = [
  [/not long enough/i, 'auth.policy.length'],
  [/uppercase/i, 'auth.policy.uppercase'],
  [/lowercase/i, 'auth.policy.lowercase'],
  [/numeric/i, 'auth.policy.number'],
  [/symbol/i, 'auth.policy.symbol'],
];

/** What a sign-in was rejected with, in words; none if the API has refused it, which says it itself. */
export function readSignInFault(error: unknown): SignInFault | undefined {
  if (isFailure(error)) return undefined;
  const text = textOf(error);
  const isOfPassword = text === 'auth.fault.policy';

  return {
    text,
    reasons: isOfPassword ? matching(RULES, messageOf(error)) : [],
    isOver: !isOfPassword && text !== 'auth.fault.usedBefore' && text !== 'auth.fault.network',
  };
}

function textOf(error: unknown): TextKey {
  if (error instanceof SecondFactorNeeded) return 'auth.fault.secondFactor';
  const name = nameOf(error);
  const message = messageOf(error);
  if (name === 'NotAuthorizedException') {
    return matching(REFUSALS, message)[0] ?? 'auth.fault.password';
  }
  // Of a wrong field: a password that is too long for Cognito to read, for example.
  if (name === 'InvalidParameterException' || name === 'InvalidPasswordException') {
    return /password/i.test(message) ? 'auth.fault.policy' : 'auth.fault.password';
  }
  return TEXTS[name] ?? 'auth.fault.service';
}

/** Cognito's client sets both, or `code` alone where no answer has come. */
function nameOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  const known = code ?? name;
  return typeof known === 'string' ? known : '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}

function matching(list: [RegExp, TextKey][], message: string): TextKey[] {
  return list.filter(([pattern]) => pattern.test(message)).map(([, text]) => text);
}
