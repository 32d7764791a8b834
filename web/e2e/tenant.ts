import { randomUUID } from 'node:crypto';
import type { RoleName } from './browser';

/** Somebody whom one click signs in. */
export interface Person {
  role: RoleName;
  name: string;
  password: string;
}

const ROLES: RoleName[] = ['patient', 'clinician', 'admin'];

/** Makes a tenant with somebody of each role. */
export async function newTenant(url: string): Promise<Person[]> {
  const pool = await UserPool.of(url);
  const tenant = `web-${randomUUID()}`;

  // One after the other: the local stack's pool does not bear them all at once.
  const people: Person[] = [];
  for (const role of ROLES) people.push(await pool.join(tenant, role));
  return people;
}

/** What somebody's calls of the API carry. */
export async function tokenOf(url: string, person: Person): Promise<string> {
  const pool = await UserPool.of(url);
  return pool.token(person);
}

/** `/config.json`, as far as the tests need it. */
interface Config {
  userPoolId: string;
  userPoolClientId: string;
  demoUsers: Person[];
}

async function readConfig(url: string): Promise<Config> {
  const config = await fetch(`${url}/config.json`);
  return (await config.json()) as Config;
}

/** Whom the buttons sign in where no test takes their place. */
export async function demoPeople(url: string): Promise<Person[]> {
  const { demoUsers } = await readConfig(url);
  return demoUsers;
}

/**
 * The user pool of the stack behind an address. The local stack lets its administration be called
 * without a signature.
 */
class UserPool {
  private constructor(
    private readonly url: string,
    private readonly config: Config,
  ) {}

  static async of(url: string): Promise<UserPool> {
    return new UserPool(url, await readConfig(url));
  }

  async join(tenant: string, role: RoleName): Promise<Person> {
    const person = { role, name: `${role}@${tenant}.example`, password: `Aa1-${randomUUID()}` };
    await this.administer('AdminCreateUser', {
      Username: person.name,
      MessageAction: 'SUPPRESS',
      UserAttributes: [
        { Name: 'email', Value: person.name },
        { Name: 'email_verified', Value: 'true' },
        { Name: 'custom:tenant_id', Value: tenant },
      ],
    });
    await this.administer('AdminAddUserToGroup', { Username: person.name, GroupName: role });
    await this.administer('AdminSetUserPassword', {
      Username: person.name,
      Password: person.password,
      Permanent: true,
    });
    return person;
  }

  async token({ name, password }: Person): Promise<string> {
    const signedIn = await this.administer('AdminInitiateAuth', {
      ClientId: this.config.userPoolClientId,
      AuthFlow: 'ADMIN_USER_PASSWORD_AUTH',
      AuthParameters: { USERNAME: name, PASSWORD: password },
    });
    const { AuthenticationResult: tokens } = signedIn as {
      AuthenticationResult: { IdToken: string };
    };
    return tokens.IdToken;
  }

  private async administer(operation: string, input: object): Promise<unknown> {
    const answer = await fetch(`${this.url}/cognito/`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `AWSCognitoIdentityProviderService.${operation}`,
      },
      body: JSON.stringify({ UserPoolId: this.config.userPoolId, ...input }),
    });
    if (!answer.ok) throw new Error(`${operation}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }
}
