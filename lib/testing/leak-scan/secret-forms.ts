/** The forms in which a secret can turn up, each named as in the error that reports it. */
interface Needle {
  readonly form: string;
  readonly text: string;
}

/** Finds one secret in texts, in any form that a client, a log or a dump would give it. */
export class SecretForms {
  readonly #secret: string;
  readonly #needles: readonly Needle[];
  /** Forms that name single bytes. A dump also shows neighbouring memory, where they prove nothing. */
  readonly #byteNeedles: readonly Needle[];

  /**
   * @param secret - What must not turn up.
   * @param clientId - If given, `clientId:secret` is looked for under the name of HTTP Basic.
   */
  constructor(secret: string, clientId: string | undefined) {
    this.#secret = secret;
    this.#needles = [
      { form: 'raw', text: secret },
      { form: 'JSON-escaped', text: escapeJson(secret) },
      { form: 'JSON-escaped', text: escapeJson(escapeJson(secret)) },
      ...(clientId === undefined ? [] : basicNeedles(clientId, secret)),
      ...base64Needles(Buffer.from(secret), ''),
      ...base64Needles(Buffer.from(secret, 'latin1'), ' of latin1'),
      ...base64Needles(Buffer.from(encodeLoosely(secret)), ' of URL-encoded'),
      ...base64Needles(Buffer.from(formEncode(secret)), ' of form-encoded'),
    ];
    this.#byteNeedles = byteNeedles(Buffer.from(secret));
  }

  /** The form in which `text` holds the secret, or `undefined`. */
  find(text: string): string | undefined {
    return this.findInDump(text) ?? this.#byteNeedles.find((needle) => text.includes(needle.text))?.form;
  }

  /** As {@link find}, for the output of `util.inspect`. */
  findInDump(text: string): string | undefined {
    // No form is shorter than the secret itself.
    if (text.length < this.#secret.length) {
      return undefined;
    }
    return this.#needles.find((needle) => text.includes(needle.text))?.form ?? this.#findEncoded(text);
  }

  // Encoders differ in which characters they leave alone and in the case of hex digits, so the text is decoded instead.
  #findEncoded(text: string): string | undefined {
    if (!/[%+]/.test(text)) {
      return undefined;
    }
    const once = decodeLeniently(text);
    if (once.includes(this.#secret) || decodeLeniently(once).includes(this.#secret)) {
      return 'URL-encoded';
    }
    return decodeLeniently(text.replaceAll('+', ' ')).includes(this.#secret) ? 'form-encoded' : undefined;
  }
}

function basicNeedles(clientId: string, secret: string): readonly Needle[] {
  // RFC 6749 §2.3.1 form-encodes both parts first; RFC 7617 does not.
  const pairs = [`${clientId}:${secret}`, `${formEncode(clientId)}:${formEncode(secret)}`];
  return pairs.map((pair) => ({
    form: 'HTTP Basic',
    text: Buffer.from(pair).toString('base64').replace(/=+$/, ''),
  }));
}

/**
 * Inside a longer base64 text the secret can start at each of three positions within a group of three bytes. The
 * characters that also hold bits of its neighbours are left out.
 */
function base64Needles(bytes: Buffer, suffix: string): readonly Needle[] {
  return [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes]);
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor((padded.length * 8) / 6);
    return (['base64', 'base64url'] as const).map((encoding) => ({
      form: `${encoding}${suffix}`,
      text: padded.toString(encoding).slice(from, to),
    }));
  });
}

function byteNeedles(bytes: Buffer): readonly Needle[] {
  const hex = bytes.toString('hex');
  return [
    { form: 'hex', text: hex },
    { form: 'hex', text: hex.toUpperCase() },
    { form: 'hex bytes', text: hex.replace(/(..)(?=.)/g, '$1 ') },
    { form: 'decimal bytes', text: bytes.join(',') },
  ];
}

function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

/** As `encodeURIComponent`, which throws on a lone surrogate. */
function encodeLoosely(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** Decodes every run of percent escapes and leaves the rest as it is. */
function decodeLeniently(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString());
}
