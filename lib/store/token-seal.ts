import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** In characters of a name: 192 bits of the digest. */
const NAME_LENGTH = 32;
/** The format of what is stored. It stands in the name, so that versions that would not understand each other never meet. */
const FORMAT = 'v1';

interface SealingKey {
  /** Says which key sealed a value, and nothing of the key. */
  readonly id: string;
  readonly bytes: Buffer;
}

/**
 * What others see of a token in the store: nothing. A name is an HMAC (RFC 2104) of the token's URL and key; a value is
 * sealed with AES-256-GCM (NIST SP 800-38D), bound to its name, so that it opens under no other. Each purpose has a key of
 * its own, derived by HKDF (RFC 5869). The first of `storeKeys` seals, all open. Names come from the last, so that a new key
 * in front renames nothing.
 */
export class TokenSeal {
  readonly #keys: readonly SealingKey[];
  readonly #nameKey: Buffer;
  readonly #prefix: string;

  /** @param keys - at least one, each of 32 bytes */
  constructor(keys: readonly Buffer[], prefix: string) {
    this.#keys = keys.map((key) => ({
      id: derived(key, 'id').toString('base64url').slice(0, 8),
      bytes: derived(key, 'value'),
    }));
    this.#nameKey = derived(keys.at(-1) ?? Buffer.alloc(0), 'name');
    this.#prefix = `${prefix}${FORMAT}:`;
  }

  /** The name of what is kept for this text. */
  nameOf(text: string): string {
    return this.#prefix + this.digest(text);
  }

  /** A text as others may see it: the same for the same text, and nothing to be read from it. */
  digest(text: string): string {
    return createHmac('sha256', this.#nameKey).update(text).digest('base64url').slice(0, NAME_LENGTH);
  }

  seal(name: string, text: string): string {
    const [key] = this.#keys;
    if (key === undefined) throw new TypeError('There is no key to seal with.');
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, key.bytes, nonce).setAAD(boundTo(key, name));
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${key.id}.${sealed.toString('base64url')}`;
  }

  /** What was sealed under this name; `undefined` for anything else. Text that was never sealed is not accepted. */
  open(name: string, sealed: string): string | undefined {
    const [id, body = '', ...rest] = sealed.split('.');
    const key = this.#keys.find((its) => its.id === id);
    const bytes = Buffer.from(body, 'base64url');
    // The decoder skips what is not base64url: then the text is not what was written.
    const isWhole = rest.length === 0 && bytes.toString('base64url') === body;
    if (key === undefined || !isWhole || bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv(ALGORITHM, key.bytes, bytes.subarray(0, NONCE_BYTES))
      .setAAD(boundTo(key, name))
      .setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch {
      return undefined;
    }
  }
}

const derived = (key: Buffer, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', key, '', `nestjs-asset-auth ${FORMAT} ${purpose}`, KEY_BYTES));

const boundTo = ({ id }: SealingKey, name: string): Buffer => Buffer.from(`${id}\n${name}`);
