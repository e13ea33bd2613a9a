// Where a request may go: to Asset's origin, and to the business of its token.
import { AxiosError, type InternalAxiosRequestConfig } from 'axios';
import { AssetBusinessError } from '../config/asset-auth.errors.js';
import { checkedBusinessId } from '../config/scope-set.js';
import { quoted, withoutQuery } from '../config/text.js';
import { AssetRequestError } from './http.errors.js';

/** As axios tells it (RFC 3986 scheme, or protocol-relative). */
const ABSOLUTE = /^([a-z][a-z\d+\-.]*:)?\/\//i;

/**
 * Looks like an address of somewhere else and would become a path of ours. As axios tells it, but for `\\\\`, which is
 * found in paths.
 */
const WITHOUT_SLASHES = /^https?:(?!\/\/|\\\\)/i;

/**
 * The address that a request really goes to, combined as axios combines it, parsed once, and refused unless it lies on
 * Asset's origin.
 *
 * @throws AssetRequestError `ASSET_REQUEST_NOT_ALLOWED`
 * @throws AxiosError `ERR_INVALID_URL` for `https:` without `//`, as axios does
 */
export function requestUrl(config: InternalAxiosRequestConfig, origin: string): URL {
  const [url, baseURL] = [asText(config.url), asText(config.baseURL)];
  for (const text of [url, baseURL]) {
    if (!WITHOUT_SLASHES.test(asParsed(text))) continue;
    throw new AxiosError(
      `The address ${quotedAddress(withoutQuery(text))} has no "//" after its protocol. Nothing was sent. Write a path of Asset's, or all of its address.`,
      AxiosError.ERR_INVALID_URL,
      config,
    );
  }
  const address = combined(url, baseURL);
  let parsed: URL;
  try {
    parsed = new URL(address);
  } catch {
    throw new AssetRequestError(`The address ${quotedAddress(address)} cannot be parsed. Nothing was sent.`);
  }
  assertAssetAddress(parsed, origin);
  return parsed;
}

/** @throws AssetRequestError if the address is not on Asset's origin or holds credentials */
export function assertAssetAddress(url: URL, origin: string): void {
  // A blob's address has the origin of the page that made it.
  if (url.origin !== origin || url.protocol === 'blob:') {
    throw new AssetRequestError(
      `The address leads to ${quoted(url.origin)}, but this client sends requests and tokens to ${origin} only. Nothing was sent there. Use another HTTP client for other hosts, or set baseUrl if Asset is reached through a gateway.`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new AssetRequestError('The address holds a user name or password. Nothing was sent. Remove it.');
  }
}

/**
 * Refuses a path of one business with the token of another. Gateways and servers decode a path once each, so it is
 * looked at in every form that one of them may see, whatever goes before `/v0`.
 *
 * @throws AssetBusinessError `ASSET_BUSINESS_MISMATCH`, or `ASSET_BUSINESS_INVALID` for what is no business id
 */
export function assertBusiness(url: URL, businessId: string | null | undefined): void {
  if (businessId === undefined || businessId === null) return;
  for (const path of decodedForms(url.pathname)) {
    for (const inPath of businessesIn(path)) {
      if (inPath === businessId) continue;
      checkedBusinessId(businessId);
      throw new AssetBusinessError(
        `The address is of business ${quoted(inPath)}, but the token is narrowed to business "${businessId}". Nothing was sent there. Take both from one place: @AssetBusiness('…') with the same route parameter, or forBusiness(id).`,
        'ASSET_BUSINESS_MISMATCH',
      );
    }
  }
}

/** The ids of all businesses that a decoded path names. */
function businessesIn(path: string): readonly string[] {
  const segments = path.replaceAll('\\', '/').split('/').filter(isName);
  // Path parameters (RFC 3986 §3.3): whether the server cuts them off, before or after it looks for dots, is anybody's
  // guess.
  if (segments.slice(0, 3).some((segment) => segment.includes(';'))) throw ambiguous();
  const names = segments.map(withoutParameters).filter(isName);
  // Dots that were hidden from the URL parser.
  if (names.includes('..')) throw ambiguous();
  return names.filter(
    (_id, i) => names[i - 2]?.toLowerCase() === 'v0' && names[i - 1]?.toLowerCase() === 'business',
  );
}

const isName = (segment: string): boolean => segment !== '' && segment !== '.';

function withoutParameters(segment: string): string {
  const end = segment.indexOf(';');
  return end < 0 ? segment : segment.slice(0, end);
}

/** Nobody encodes a path more often than this. */
const MOST_FORMS = 5;

/** A path decoded once, twice, and so on, until nothing changes. */
function decodedForms(pathname: string): readonly string[] {
  if (!pathname.includes('%')) return [pathname];
  let form: string;
  try {
    form = decodeURIComponent(pathname);
  } catch {
    throw ambiguous();
  }
  const forms = [form];
  for (let next = decodedAgain(form); next !== form; next = decodedAgain(form)) {
    if (forms.length === MOST_FORMS) throw ambiguous();
    form = next;
    forms.push(form);
  }
  return forms;
}

/** What stands in the path may itself be text with a `%`, so what is no escape stays as it is. */
const decodedAgain = (text: string): string =>
  text
    .replaceAll(/%u([\da-f]{4})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll(/(?:%[\da-f]{2})+/gi, (escapes) => {
      try {
        return decodeURIComponent(escapes);
      } catch {
        // The longer forms of ASCII that UTF-8 forbids, and that some decode all the same (RFC 3629 §10).
        if (/%c[01]|%e0%[89]|%f0%8/i.test(escapes)) throw ambiguous();
        return Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('latin1');
      }
    });

const ambiguous = (): AssetBusinessError =>
  new AssetBusinessError(
    'The path is encoded in a way that servers read differently, so its business cannot be compared with that of the token. Nothing was sent there. Encode each part of the path with encodeURIComponent.',
    'ASSET_BUSINESS_MISMATCH',
  );

/** As the URL parser reads it: without spaces before it, and without tabs and line breaks (WHATWG URL §4.4). */
const asParsed = (text: string): string =>
  text
    .slice(0, 80)
    .replace(/^[\0- ]+/, '')
    .replaceAll(/[\t\n\r]/g, '');

/** Axios takes `URL` objects as well, and turns them into text. */
const asText = (value: string | URL | undefined): string => String(value ?? '');

function combined(url: string, base: string): string {
  if (ABSOLUTE.test(url)) return url;
  return url === '' ? base : `${withoutSlashes(base)}/${url.replace(/^\/+/, '')}`;
}

/** Not by an expression: one that looks for slashes at the end takes quadratic time on slashes elsewhere. */
function withoutSlashes(base: string): string {
  let end = base.length;
  while (base.endsWith('/', end)) end -= 1;
  return base.slice(0, end);
}

/** What cannot be parsed may still hold a password. */
const quotedAddress = (address: string): string =>
  address.includes('@') ? 'of the request' : quoted(address);
