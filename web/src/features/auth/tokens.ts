import { load } from '../../app/notLoaded';
import type { Step, Tokens } from './cognito';
import { NoAnswer } from './signInFault';

/** Tokens are renewed when they have less than this to live. */
const MARGIN_MS = 60_000;

/** Who is signed in. Tokens are in this module's memory alone: nothing of them outlives the page. */
let tokens: Tokens | undefined;
let choosePassword: ((password: string) => Promise<Step>) | undefined;
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
  if (!choosePassword) throw new Error('nobody is signing in');
  take(await choosePassword(password));
}

function take(step: Step): void {
  if ('choosePassword' in step) {
    choosePassword = step.choosePassword;
    throw new NewPasswordNeeded();
  }

  forgetTokens();
  tokens = step.tokens;
}

/** The ID token, renewed if it is about to end; none if nobody is signed in. */
export async function freshToken(): Promise<string | undefined> {
  const old = tokens;
  if (!old) return undefined;
  if (old.expiresAt - Date.now() >= MARGIN_MS) return old.idToken;

  const begun = generation;
  renewal ??= old.renew().finally(() => {
    if (begun === generation) renewal = undefined;
  });
  const current = await renewal.catch(() => old);
  // Whoever has signed out or in meanwhile has other tokens, or none.
  if (begun !== generation) return undefined;
  tokens = current;
  return current.idToken;
}

/** Whether calls are made with this token now; what became of another one is no news. */
export function isCurrentToken(idToken: string | undefined): boolean {
  return tokens?.idToken === idToken;
}

/** Forgets the tokens. */
export function forgetTokens(): void {
  generation++;
  tokens = undefined;
  choosePassword = undefined;
  renewal = undefined;
}

/** Loads what a sign-in needs while the person still types. */
export function prepareSignIn(): void {
  // Without a network the sign-in itself says so.
  cognito().catch(() => undefined);
}

/** Amazon's client is large, and only who signs in needs it. */
function cognito() {
  return load(() => import('./cognito')).catch(() => {
    throw new NoAnswer();
  });
}
