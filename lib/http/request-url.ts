import type { InternalAxiosRequestConfig } from 'axios';
import { AssetBusinessError } from '../config/asset-auth.errors.js';
import { checkedBusinessId } from '../config/scope-set.js';
import { quoted } from '../config/text.js';
import { AssetRequestError } from './http.errors.js';

/** As axios tells it (RFC 3986 scheme, or protocol-relative). */
const ABSOLUTE = /^([a-z][a-z\d+\-.]*:)?\/\//i;

/**
 * The address that a request really goes to, combined as axios combines it, parsed once, and refused unless it lies on
 * Asset's origin.
 *
 * @throws AssetRequestError `ASSET_REQUEST_NOT_ALLOWED`
 */
export function requestUrl({ url, baseURL }: InternalAxiosRequestConfig, origin: string): URL {
  const address = combined(asText(url), asText(baseURL));
  let parsed: URL;
  try {
    parsed = new URL(address);
  } catch {
    throw new AssetRequestError(`The address ${quotedAddress(address)} cannot be parsed. Nothing was sent.`);
  }
  assertOurs(parsed, origin);
  return parsed;
}

/** @throws AssetRequestError if the address is not on Asset's origin or holds credentials */
export function assertOurs(url: URL, origin: string): void {
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
 * Refuses a path of one business with the token of another. The path is decoded once, as servers do, so that no
 * spelling of it gets around the comparison.
 *
 * @throws AssetBusinessError `ASSET_BUSINESS_MISMATCH`, or `ASSET_BUSINESS_INVALID` for what is no business id
 */
export function assertBusiness(url: URL, businessId: string | null | undefined): void {
  if (businessId === undefined || businessId === null) return;
  const segments = pathSegments(url.pathname);
  if (segments[0]?.toLowerCase() !== 'v0' || segments[1]?.toLowerCase() !== 'business') return;
  const inPath = segments[2];
  if (inPath === undefined || inPath === businessId) return;
  checkedBusinessId(businessId);
  throw new AssetBusinessError(
    `The address is of business ${quoted(inPath)}, but the token is narrowed to business "${businessId}". Nothing was sent there. Take both from one place: @AssetBusiness('…') with the same route parameter, or forBusiness(id).`,
    'ASSET_BUSINESS_MISMATCH',
  );
}

function pathSegments(pathname: string): readonly string[] {
  let decoded: string;
  try {
    decoded = decodeURIComponent(pathname);
  } catch {
    throw ambiguous();
  }
  const segments = decoded.replaceAll('\\', '/').split('/');
  // Dots that were hidden from the URL parser, also by a path parameter (RFC 3986 §3.3): whether the server resolves
  // them is anybody's guess.
  if (segments.some((segment) => segment.split(';', 1)[0] === '..')) throw ambiguous();
  const named = segments.filter((segment) => segment !== '' && segment !== '.');
  if (named.slice(0, 3).some((segment) => segment.includes(';'))) throw ambiguous();
  return named;
}

const ambiguous = (): AssetBusinessError =>
  new AssetBusinessError(
    'The path is encoded in a way that servers read differently, so its business cannot be compared with that of the token. Nothing was sent there. Encode each part of the path with encodeURIComponent.',
    'ASSET_BUSINESS_MISMATCH',
  );

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
