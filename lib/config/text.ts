// Text and values from outside, made fit for messages and logs, and the one way to read a URL.

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Text from outside, made fit for an error message or a log line: control and invisible characters become `�` (no
 * forged log lines, no terminal escapes) and the rest is cut.
 */
export function printable(text: string, maxLength = 200): string {
  // Cut before replacing: the text may be megabytes long.
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return cut.replace(UNPRINTABLE, '\uFFFD');
}

/** A path or an address without its query, which may hold a secret. */
export const withoutQuery = (path: string): string => path.split('?', 1).join();

/** Any value, quoted for an error message. Not for a possible secret: see {@link described}. */
export function quoted(value: unknown): string {
  if (typeof value === 'string') return `"${printable(value, 80)}"`;
  return typeof value === 'number' ? String(value) : described(value);
}

/** The kind of a value, for an error message that must not repeat it. */
export function described(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return value === '' ? 'an empty string' : 'a string';
  return Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
}

/**
 * The URL, or `undefined` if the text is none. Not by `URL.canParse`: on Node 20 it takes Latin-1 text for UTF-8 once it
 * is called often enough to be optimised, and then refuses `https://bücher.example`.
 */
export function parsedUrl(text: string, base?: URL): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}
