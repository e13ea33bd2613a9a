// Makes foreign text fit for messages: no secrets, no tokens, no control characters.
import { printable } from './text.js';

const REDACTED = '[redacted]';
const SHOWN = 200;

/** A few times what is shown: hiding makes a text shorter. */
const READ = 1000;
/** More than the part of a token that is too short to be recognised. */
const LEAST_MARGIN = 100;
/** Most characters that an encoding makes of one. */
const LONGEST_ESCAPE = 12;

/**
 * Text of another system, fit for our error messages: without any of the secrets, in whatever form an endpoint echoes
 * them, without anything that looks like a token, without control characters, and cut.
 */
export function redacted(text: string, secrets: readonly string[]): string {
  // No form of a secret is shorter than itself.
  const known = secrets.filter(({ length }) => length > 0 && length <= text.length);
  // Read beyond what is shown, so that a secret that the end splits is recognised as a whole.
  const margin = Math.max(LEAST_MARGIN, LONGEST_ESCAPE * Math.max(0, ...known.map(({ length }) => length)));
  const head = text.slice(0, READ + margin);
  const written = known.flatMap(writtenForms).flatMap((form) => placesOf(form, head));
  if (holdsDisguised(known, withoutPlaces(head, written, head.length))) return REDACTED;
  const tokens = [...head.matchAll(TOKEN)].map(({ 0: { length }, index }) => ({
    from: index,
    to: index + length,
  }));
  const end = head === text ? head.length : READ;
  return printable(withoutPlaces(head, [...written, ...tokens], end), SHOWN);
}

interface Place {
  readonly from: number;
  readonly to: number;
}

function placesOf(form: string, text: string): readonly Place[] {
  const places: Place[] = [];
  for (let from = text.indexOf(form); from >= 0; from = text.indexOf(form, from + form.length)) {
    places.push({ from, to: from + form.length });
  }
  return places;
}

/** The text up to `end`, with one mark for each stretch of places that overlap. */
function withoutPlaces(text: string, places: readonly Place[], end: number): string {
  let shown = '';
  let at = 0;
  for (const { from, to } of [...places].sort((one, other) => one.from - other.from)) {
    if (from >= end) break;
    if (from > at || at === 0) shown += text.slice(at, from) + REDACTED;
    at = Math.max(at, to);
  }
  return shown + text.slice(at, Math.max(at, end));
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

/**
 * What looks like a token that we do not know, or like one that was encoded: a JWT, what follows `Bearer`, a long run of
 * letters of both cases with digits, a long number in hex, and a list of bytes. Ids and host names are shorter or plainer.
 * And what stands before the host in a URL, a user and a password, or after `password=` in a connection string.
 */
const TOKEN = new RegExp(
  [
    String.raw`(?<=://)[^\s"'<>]+(?=@)`,
    String.raw`(?<=\b(?:password|passwd|pwd)=)[^\s"'&;,]+`,
    String.raw`\beyJ[\w-]{10,}(?:\.[\w-]*)*`,
    // Not the parameters of a challenge, as in `Bearer error="…"`.
    String.raw`(?<=\b[Bb]earer )(?=[\w.~+/|:%-]*[A-Z\d])[\w.~+/|:%-]{8,}=*(?![\w.~+/|:%="-])`,
    // No path of a file.
    String.raw`(?<![\w.+/=-])(?=[\w+/=-]*?[A-Z])(?=[\w+/=-]*?[a-z])(?=[\w+/=-]*?\d)[\w+=-][\w+/=-]{31,}`,
    String.raw`\b(?:[0-9a-f]{40,}|[0-9A-F]{40,})\b`,
    String.raw`\b(?:[0-9a-fA-F]{2}[ :]){19,}[0-9a-fA-F]{2}\b`,
    String.raw`\b(?:\d{1,3}, ?){19,}\d{1,3}\b`,
  ].join('|'),
  'g',
);

/** The forms in which a secret stands in a text as it is. */
function writtenForms(secret: string): readonly string[] {
  const wellFormed = secret.toWellFormed();
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const inJson = JSON.stringify(secret).slice(1, -1);
  const encoded = [
    encodeURIComponent(wellFormed),
    new URLSearchParams({ '': wellFormed }).toString().slice(1),
  ];
  const inBase64 = [bytes, Buffer.from(secret, 'latin1'), ...encoded.map((text) => Buffer.from(text))];
  const forms = [secret, inJson, ...encoded, hex, hex.toUpperCase(), ...inBase64.flatMap(base64Forms)];
  return forms.filter((form) => form !== '');
}

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

// A secret written in escapes. Encoders differ in what they escape and how, so the text is decoded instead.

/** Escapes within escapes: a form in JSON in HTML. */
const DEEPEST = 3;

/** Fewer characters would be found in texts that have nothing to do with the secret. */
const FEWEST = 4;

/** Whether a text holds one of the secrets in escapes, of URLs, forms, JSON or HTML, or byte by byte. */
function holdsDisguised(secrets: readonly string[], text: string): boolean {
  if (secrets.length === 0) return false;
  const inHex = text.toLowerCase().replace(/(?<![0-9a-f])0x|\\x|[\s:,;-]/g, '');
  const inDecimal = text.replace(/\D+/g, ' ');
  const layers = [text, text.replaceAll('+', ' ')];
  for (let from = 0; from < 2 * DEEPEST; from += 1) layers.push(unescaped(layers[from] ?? ''));
  const plain = [...new Set(layers)];
  const skeletons = plain.filter((layer) => NAMES_IN_HTML.test(layer)).map(skeleton);
  return secrets.some((secret) => {
    const bytes = Buffer.from(secret);
    const wanted = skeleton(secret);
    return (
      plain.some((layer) => layer.includes(secret)) ||
      (bytes.length >= FEWEST &&
        (inHex.includes(bytes.toString('hex')) || inDecimal.includes(bytes.join(' ')))) ||
      (wanted.replaceAll(ANY, '').length >= FEWEST && skeletons.some((its) => its.includes(wanted)))
    );
  });
}

const NAMES_IN_HTML = /&[a-z]+\d*;/i;

const ANY = '\uFFFD';

/**
 * HTML has a name for almost every character but letters and digits. Whatever may have one, in the secret and in the
 * text, is taken for the same: too much is hidden rather than too little.
 */
const skeleton = (text: string): string => text.replace(/&[a-z]+\d*;|[^A-Za-z0-9]/giu, ANY);

const ESCAPES =
  /((?:%[0-9a-f]{2})+)|\\(?:u([0-9a-f]{4})|x([0-9a-f]{2})|(["'\\/]))|&#(?:x([0-9a-f]{1,8})|(\d{1,8}));?|&(amp|lt|gt|quot|apos);/gi;

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const unescaped = (text: string): string =>
  text.replace(ESCAPES, (_all, percent?: string, ...its: (string | undefined)[]) => {
    if (percent !== undefined) return Buffer.from(percent.replaceAll('%', ''), 'hex').toString();
    const [unit, byte, plain, hex, decimal, name] = its;
    if (plain !== undefined) return plain;
    if (name !== undefined) return NAMED[name.toLowerCase()] ?? '';
    const point = decimal === undefined ? Number.parseInt(unit ?? byte ?? hex ?? '', 16) : Number(decimal);
    // Half of a surrogate pair too, which its other half completes.
    return point <= 0x10ffff ? String.fromCodePoint(point) : '\uFFFD';
  });

/** How an answer names itself. Asset documents none; these are what frameworks, gateways and front ends send. */
const REQUEST_IDS = ['x-request-id', 'request-id', 'x-correlation-id', 'x-amzn-requestid', 'cf-ray'];
/** What an id looks like. Longer text may be anything. */
const REQUEST_ID = /^[\w.:;=+/-]{1,80}$/;

/**
 * The id of an answer, to ask Asset's support about it.
 *
 * @param headers - with names in lower case
 */
export function requestIdOf(
  headers: Readonly<Record<string, unknown>>,
  secrets: readonly string[],
): string | undefined {
  const ids = REQUEST_IDS.map((name) => headers[name]).filter((value) => typeof value === 'string');
  return ids.find((id) => REQUEST_ID.test(id) && redacted(id, secrets) === id);
}

/** For messages: nothing, or ` (request id …)`. */
export const mentioned = (requestId: string | undefined): string =>
  requestId === undefined ? '' : ` (request id ${requestId})`;
