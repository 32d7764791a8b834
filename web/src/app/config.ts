import type { Role } from '../api/types';

/** `/config.json`, which the deploy writes (locally `cargo xtask web`). */
export interface Config {
  /** Goes before `/v1/…`; empty where one address serves the client and the API. */
  apiUrl: string;
  websocketUrl: string;
  userPoolId: string;
  userPoolClientId: string;
  /** Only of the local stack: Cognito's place there. */
  cognitoUrl?: string;
  /** The numbers to call in an emergency, by language. */
  emergencyNumbers: { zh: string[]; en: string[] };
  /** The template's `UploadMaxBytes`; 100 MiB if it is left out, as there. */
  uploadMaxBytes?: number;
  /** Only of the local stack: people whom one click signs in. */
  demoUsers?: DemoUser[];
}

export interface DemoUser {
  role: Role;
  name: string;
  password: string;
}

let loaded: Config | undefined;

/** Reads the settings, once, before anything is shown. */
export async function loadConfig(): Promise<void> {
  const answer = await fetch('/config.json', { cache: 'no-cache' });
  if (!answer.ok) throw new Error(`/config.json: ${answer.status}`);
  loaded = (await answer.json()) as Config;
}

/** The settings; they are there before the first component is. */
export function config(): Config {
  if (!loaded) throw new Error('the settings are not loaded yet');
  return loaded;
}
