import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { parsedUrl, printable } from '../config/text.js';
import { lowerCaseHeaders } from '../retry/rate-limit.js';
import { AssetApiError, AssetRequestError, describeCall } from './http.errors.js';
import { assertBusiness, assertAssetAddress } from './request-url.js';
import { assertHost, assertOfThisRequest, isOfTheTransport, normalName } from './wire-config.js';

// Redirects are refused by default: Asset documents none, and each could lead a token away. With `maxRedirects` in the
// option `http` or on a request they are followed, within Asset's origin and the token's business only.

/** The error of an answer that redirects and is not followed; `undefined`: it is no redirect. */
export function redirectRefusal(response: AxiosResponse | undefined, url: URL): AssetApiError | undefined {
  if (response === undefined || response.status < 300 || response.status >= 400) return undefined;
  const { location } = lowerCaseHeaders(response);
  if (typeof location !== 'string') return undefined;
  return new AssetApiError(
    `Asset answered ${response.status} to ${describeCall(response)}: a redirect to ${target(location, url)}. It was not followed, since a redirect can lead a token away. Call that address, or set maxRedirects, on the request or in the option http, to follow redirects within Asset's origin and the token's business.`,
    response,
    { code: 'ASSET_REQUEST_NOT_ALLOWED', retryable: false },
  );
}

/** Without the query, which may hold a secret. */
function target(location: string, from: URL): string {
  const url = parsedUrl(location, from);
  if (url === undefined) return 'an address that cannot be parsed';
  return printable(url.origin === from.origin ? url.pathname : `${url.protocol}//${url.host}${url.pathname}`);
}

type BeforeRedirect = NonNullable<InternalAxiosRequestConfig['beforeRedirect']>;

/** What follow-redirects connects by, and what would replace the token. */
const TARGET = [
  'href',
  'protocol',
  'hostname',
  'host',
  'port',
  'path',
  'agent',
  'agents',
  'socketPath',
  'lookup',
  'createConnection',
  'auth',
] as const;

/** Lets redirects through within Asset's origin and the token's business, and ends all others. */
export class RedirectGuard {
  readonly #origin: string;
  readonly #businessId: string | undefined;
  readonly #hook: BeforeRedirect | undefined;
  /** Why a redirect was not followed. Axios wraps what is thrown; this is the error itself. */
  refusal: Error | undefined;

  /** @param config - with the application's own hook `beforeRedirect`, if it has one */
  constructor(
    origin: string,
    businessId: string | undefined,
    { beforeRedirect }: InternalAxiosRequestConfig,
  ) {
    this.#origin = origin;
    this.#businessId = businessId;
    this.#hook = beforeRedirect;
  }

  /** For axios' option `beforeRedirect`: after the application's own. */
  readonly beforeRedirect: BeforeRedirect = (options, response, request) => {
    const before = TARGET.map((name) => options[name] as unknown);
    const authorization = valuesOf(options, isAuthorization).join();
    const framing = valuesOf(options, isOfTheTransport).join();
    this.#hook?.(options, response, request);
    try {
      if (TARGET.some((name, i) => options[name] !== before[i])) {
        throw new AssetRequestError(
          'The hook beforeRedirect changed where a redirect leads to. It was not followed. Only its headers may be changed.',
        );
      }
      if (valuesOf(options, isAuthorization).join() !== authorization) {
        throw new AssetRequestError(
          'The hook beforeRedirect changed the header Authorization, which belongs to this client. The redirect was not followed. Leave the header as it is.',
        );
      }
      if (valuesOf(options, isOfTheTransport).join() !== framing) {
        throw new AssetRequestError(
          'The hook beforeRedirect changed a header that says how the message is carried, such as Content-Length. The redirect was not followed. Leave these headers as they are.',
        );
      }
      for (const name of Object.keys((options.headers ?? {}) as object)) assertOfThisRequest(name);
      const target = new URL(String(options.href));
      assertAssetAddress(target, this.#origin);
      assertBusiness(target, this.#businessId);
      for (const host of valuesOf(options, isHost)) assertHost(host, target);
    } catch (error) {
      this.refusal = error as Error;
      throw error;
    }
  };
}

const isAuthorization = (name: string): boolean => normalName(name) === 'authorization';
const isHost = (name: string): boolean => normalName(name) === 'host';

/** The values of some headers, in all spellings: names come as the application wrote them. */
function valuesOf(
  { headers }: Parameters<BeforeRedirect>[0],
  isMeant: (name: string) => boolean,
): readonly string[] {
  const all = Object.entries((headers ?? {}) as Readonly<Record<string, unknown>>);
  return all.filter(([name]) => isMeant(name)).map(([, value]) => String(value));
}
