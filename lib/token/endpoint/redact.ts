import { printable } from '../../config/text.js';

const REDACTED = '[redacted]';
const SHOWN = 200;

/**
 * Text of another system, fit for our error messages: without any of the secrets, in whatever form an endpoint echoes
 * them, without control characters, and cut.
 */
export function redacted(text: string, secrets: readonly string[]): string {
  const forms = new Set(secrets.flatMap(readableForms));
  const longest = Math.max(REDACTED.length, ...[...forms].map(({ length }) => length));
  // Cut well beyond what is shown, so that a secret split by the cut is never shown in part.
  let clean = text.slice(0, 2 * SHOWN * longest);
  for (const form of forms) clean = clean.replaceAll(form, REDACTED);
  return secrets.some((secret) => secret !== '' && isDisguised(secret, clean))
    ? REDACTED
    : printable(clean, SHOWN);
}

/** What a thrown value says of itself; it may be anything. */
export function thrownText(thrown: unknown, secrets: readonly string[]): string {
  try {
    const { name, message, code } = Object(thrown) as Readonly<Record<string, unknown>>;
    // A parser's message quotes what it could not read, which may be a secret yet unknown.
    if (name === 'SyntaxError') return name;
    // Several addresses that all refuse make one error with a code and no message.
    const said = [message, code].find((value) => typeof value === 'string' && value !== '');
    return redacted(String(said ?? thrown), secrets);
  } catch {
    return 'something that cannot be printed';
  }
}

const readableForms = (secret: string): string[] =>
  [secret, ...base64Forms(Buffer.from(secret))].filter((form) => form !== '');

/**
 * Within a longer base64 text a secret begins at one of three places of a group of bytes. Characters that it shares with
 * its neighbours are left out.
 */
function base64Forms(secret: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), secret]);
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor((bytes.length * 8) / 6);
    return (['base64', 'base64url'] as const).map((alphabet) => bytes.toString(alphabet).slice(from, to));
  });
}

/** Whether the secret is there in escapes. Encoders differ in what they escape, so the text is decoded instead. */
function isDisguised(secret: string, text: string): boolean {
  const once = [unescaped(text), unescaped(text.replaceAll('+', ' '))];
  return [...once, ...once.map(unescaped)].some((plain) => plain.includes(secret));
}

const ESCAPES = /((?:%[0-9a-f]{2})+)|\\u([0-9a-f]{4})|\\(["\\/])/gi;

const unescaped = (text: string): string =>
  text.replace(ESCAPES, (_all, percent?: string, unit?: string, plain?: string) => {
    if (percent !== undefined) return Buffer.from(percent.replaceAll('%', ''), 'hex').toString();
    return unit === undefined ? (plain ?? '') : String.fromCharCode(Number.parseInt(unit, 16));
  });
