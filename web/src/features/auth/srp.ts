/**
 * SRP-6a as Cognito speaks it: who signs in proves that they know the password, which never leaves the
 * page. Amazon's own client, against which the tests hold every value, takes 26 KB of each first load.
 */

/** The group of 3,072 bits of RFC 3526 (section 4), and its generator. */
const N = BigInt(
  '0x' +
    'FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A0879' +
    '8E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B' +
    '0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA4836' +
    '1C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804' +
    'F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6' +
    '955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64' +
    'ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D226' +
    '1AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2' +
    '08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF',
);
const G = 2n;

/** What the keys that follow from a session are for, in Cognito's words. */
const KEY_INFO = new TextEncoder().encode('Caldera Derived Key');
const KEY_BITS = 128;

/** The random exponent of one sign-in, and its public value. */
export interface Ephemeral {
  a: bigint;
  A: bigint;
}

/** What Cognito answers to the public value. */
export interface PasswordChallenge {
  /** The part of the user pool's id behind the `_`. */
  pool: string;
  user: string;
  /** In hexadecimal digits. */
  salt: string;
  B: string;
  /** In Base64. */
  secretBlock: string;
}

export function newEphemeral(random = crypto.getRandomValues(new Uint8Array(128))): Ephemeral {
  const a = readHex(hexOf(random));
  return { a, A: power(G, a) };
}

/** The signature that proves the knowledge of the password at this time, in Base64. */
export async function sign(
  { a, A }: Ephemeral,
  challenge: PasswordChallenge,
  password: string,
  timestamp: string,
): Promise<string> {
  const { pool, user, secretBlock } = challenge;
  const secret = await sessionKey({ a, A }, challenge, password);
  const key = await crypto.subtle.importKey(
    'raw',
    secret,
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  );

  const names = new TextEncoder().encode(pool + user);
  const block = Uint8Array.from(atob(secretBlock), (char) => char.charCodeAt(0));
  const time = new TextEncoder().encode(timestamp);
  const message = Uint8Array.from([...names, ...block, ...time]);
  const signature = await crypto.subtle.sign('HMAC', key, message);
  return btoa(String.fromCharCode(...new Uint8Array(signature)));
}

/** The key that both sides come to, if the password is the right one. */
export async function sessionKey(
  { a, A }: Ephemeral,
  challenge: Omit<PasswordChallenge, 'secretBlock'>,
  password: string,
): Promise<ArrayBuffer> {
  const B = readHex(challenge.B);
  const u = readHex(await hash(bytesOf(A), bytesOf(B)));
  // RFC 2945: with either, the answer would not depend on the password.
  if (B % N === 0n || u === 0n) throw new Error('the user pool has sent an unsafe value');

  const name = new TextEncoder().encode(`${challenge.pool}${challenge.user}:${password}`);
  const x = readHex(await hash(bytesOf(readHex(challenge.salt)), readBytes(await hash(name))));
  const k = readHex(await hash(bytesOf(N), bytesOf(G)));
  const base = (((B - k * power(G, x)) % N) + N) % N;
  const S = power(base, a + u * x);

  const secret = await crypto.subtle.importKey('raw', bytesOf(S), 'HKDF', false, ['deriveBits']);
  const rule = { name: 'HKDF', hash: 'SHA-256', salt: bytesOf(u), info: KEY_INFO };
  return crypto.subtle.deriveBits(rule, secret, KEY_BITS);
}

/** The time as Cognito reads it: `Tue Nov 3 04:05:06 UTC 2026`. */
export function timestampOf(time: Date): string {
  const [day, date, month, year, clock] = time.toUTCString().replace(',', '').split(' ');
  return `${day} ${month} ${Number(date)} ${clock} UTC ${year}`;
}

/** `base` to the power of `exponent`, modulo the group. */
function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base % N;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % N;
    square = (square * square) % N;
  }
  return result;
}

async function hash(...parts: Uint8Array[]): Promise<string> {
  const all = Uint8Array.from(parts.flatMap((part) => [...part]));
  return hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', all)));
}

/** A number's bytes with a sign, as Java's `BigInteger` has them: none begins with a set bit. */
function bytesOf(value: bigint): Uint8Array<ArrayBuffer> {
  const digits = value.toString(16);
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  return readBytes(/^[89a-f]/.test(even) ? `00${even}` : even);
}

function readHex(digits: string): bigint {
  return BigInt(`0x${digits}`);
}

function readBytes(digits: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
