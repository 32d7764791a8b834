import { describe, expect, it, vi } from 'vitest';
import { en } from '../../i18n/en';
import { zh } from '../../i18n/zh';
import { readSignInFault, SecondFactorNeeded } from './signInFault';

vi.mock('../../app/hooks', () => ({ useAppSelector: vi.fn() }));
const { translate } = await import('../../i18n/texts');

/** An error as Cognito's client makes it. */
function refusal(name: string, message = ''): Error {
  return Object.assign(new Error(message), { name, code: name });
}

describe('a sign-in that fails says why, and what to do', () => {
  it.each([
    ['NotAuthorizedException', 'Incorrect username or password.', 'auth.fault.password'],
    ['NotAuthorizedException', 'Password attempts exceeded', 'auth.fault.attempts'],
    ['NotAuthorizedException', 'User is disabled.', 'auth.fault.disabled'],
    [
      'NotAuthorizedException',
      'Temporary password has expired and must be reset by an administrator.',
      'auth.fault.temporary',
    ],
    [
      'NotAuthorizedException',
      'Invalid session for the user, session is expired.',
      'auth.fault.session',
    ],
    ['UserNotFoundException', 'User does not exist.', 'auth.fault.password'],
    ['UserNotConfirmedException', 'User is not confirmed.', 'auth.fault.unconfirmed'],
    ['PasswordResetRequiredException', 'Password reset required', 'auth.fault.reset'],
    ['InvalidParameterException', 'Missing required parameter USERNAME', 'auth.fault.password'],
    ['LimitExceededException', 'Attempt limit exceeded', 'auth.fault.attempts'],
    ['TooManyFailedAttemptsException', '', 'auth.fault.attempts'],
    ['TooManyRequestsException', 'Rate exceeded', 'auth.fault.busy'],
    ['ForbiddenException', 'Request not allowed due to WAF block.', 'auth.fault.forbidden'],
    ['InternalErrorException', '', 'auth.fault.service'],
  ] as const)('%s: %s', (name, message, text) => {
    const fault = readSignInFault(refusal(name, message));
    expect(fault).toEqual({ text, reasons: [], isOver: true });
  });

  it('without a network goes on where it was', () => {
    const lost = Object.assign(new Error('Network error'), { code: 'NetworkError' });
    expect(readSignInFault(lost)).toEqual({
      text: 'auth.fault.network',
      reasons: [],
      isOver: false,
    });
  });

  it('by a second factor that the page does not know', () => {
    expect(readSignInFault(new SecondFactorNeeded())?.text).toBe('auth.fault.secondFactor');
  });

  it('by the API itself is the API’s to tell', () => {
    expect(readSignInFault({ kind: 'refused', status: 403, fields: [] })).toBeUndefined();
  });
});

describe('a new password', () => {
  it.each([
    ['Password not long enough', ['auth.policy.length']],
    ['Password must have uppercase characters', ['auth.policy.uppercase']],
    ['Password must have lowercase characters', ['auth.policy.lowercase']],
    ['Password must have numeric characters', ['auth.policy.number']],
    ['Password must have symbol characters', ['auth.policy.symbol']],
    ['Password must please everybody', []],
  ])('that breaks a rule: %s', (rule, reasons) => {
    const message = `Password did not conform with policy: ${rule}`;
    expect(readSignInFault(refusal('InvalidPasswordException', message))).toEqual({
      text: 'auth.fault.policy',
      reasons,
      isOver: false,
    });
  });

  it('that was used before can be another one', () => {
    const used = refusal('PasswordHistoryPolicyViolationException');
    expect(readSignInFault(used)).toEqual({
      text: 'auth.fault.usedBefore',
      reasons: [],
      isOver: false,
    });
  });
});

it('has words in both languages for each', () => {
  const keys = (texts: object) =>
    Object.keys(texts).filter((key) => /^auth\.(fault|policy)\./.test(key));
  expect(keys(zh).sort()).toEqual(keys(en).sort());
  expect(translate('zh', 'auth.fault.attempts')).toContain('稍后');
  expect(translate('en', 'auth.fault.attempts')).toContain('Wait');
});
