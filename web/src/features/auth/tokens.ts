import type { Challenge, Step, Tokens } from './cognito';
import { SecondFactorNeeded } from './signInFault';

/** Tokens are renewed when they have less than this to live. */
const MARGIN_MS = 60_000;

/** Who is signed in. Tokens are in this module's memory alone: nothing of them outlives the page. */
let tokens: Tokens | undefined;
let challenge: Challenge | undefined;
let renewal: Promise<Tokens> | undefined;

/** Raised by each sign-in and sign-out: what was begun before is no longer the person's. */
let generation = 0;

/** The user pool wants the person to choose a password before it lets them in. */
export class NewPasswordNeeded extends Error {}

/** Signs in by SRP: the password itself never leaves the page. */
export async function signInWithPassword(name: string, password: string): Promise<void> {
  const { signIn } = await cognito();
  take(await signIn(name, password));
}

/** Ends a sign-in that `NewPasswordNeeded` has interrupted. */
export async function chooseNewPassword(password: string): Promise<void> {
  if (!challenge) throw new Error('nobody is signing in');
  const { setPassword } = await cognito();
  take(await setPassword(challenge, password));
}

function take(step: Step): void {
  if ('tokens' in step) {
    generation++;
    tokens = step.tokens;
    challenge = undefined;
    renewal = undefined;
    return;
  }

  challenge = step.challenge;
  if (challenge.name === 'NEW_PASSWORD_REQUIRED') throw new NewPasswordNeeded();
  throw new SecondFactorNeeded();
}

/** The ID token, renewed if it is about to end; none if nobody is signed in. */
export async function freshToken(): Promise<string | undefined> {
  const old = tokens;
  if (!old) return undefined;
  if (old.expiresAt - Date.now() >= MARGIN_MS) return old.idToken;

  const begun = generation;
  renewal ??= cognito()
    .then(({ renew }) => renew(old))
    .finally(() => {
      if (begun === generation) renewal = undefined;
    });
  const current = await renewal.catch(() => old);
  // Whoever has signed out or in meanwhile has other tokens, or none.
  if (begun !== generation) return undefined;
  tokens = current;
  return current.idToken;
}

/** Forgets the tokens. */
export function forgetTokens(): void {
  generation++;
  tokens = undefined;
  challenge = undefined;
  renewal = undefined;
}

/** Only who signs in needs it. */
function cognito() {
  return import('./cognito');
}
