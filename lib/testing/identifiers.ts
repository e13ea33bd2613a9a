import { randomBytes } from 'node:crypto';

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** A random id as Asset forms them: a prefix such as `biz`, an underscore, then letters and digits. */
export function newId(prefix: string): string {
  const characters = Array.from(randomBytes(22), (byte) => ALPHABET.charAt(byte % ALPHABET.length));
  return `${prefix}_${characters.join('')}`;
}
