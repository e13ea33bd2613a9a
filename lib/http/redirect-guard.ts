import type { InternalAxiosRequestConfig } from 'axios';
import { assertBusiness, assertOurs } from './request-url.js';
import { AssetRequestError } from './http.errors.js';
import { assertHost } from './wire-config.js';

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
  readonly #users: BeforeRedirect | undefined;
  #refusal: Error | undefined;

  constructor(origin: string, businessId: string | undefined, users: BeforeRedirect | undefined) {
    this.#origin = origin;
    this.#businessId = businessId;
    this.#users = users;
  }

  /** Why a redirect was not followed. Axios wraps what is thrown; this is the error itself. */
  get refusal(): Error | undefined {
    return this.#refusal;
  }

  /** For axios' option `beforeRedirect`: after the application's own. */
  readonly beforeRedirect: BeforeRedirect = (options, response, request) => {
    const before = TARGET.map((name) => options[name] as unknown);
    const authorization = authorizationOf(options);
    this.#users?.(options, response, request);
    try {
      if (TARGET.some((name, i) => options[name] !== before[i])) {
        throw new AssetRequestError(
          'The hook beforeRedirect changed where a redirect leads to. It was not followed. Only its headers may be changed.',
        );
      }
      if (authorizationOf(options) !== authorization) {
        throw new AssetRequestError(
          'The hook beforeRedirect changed the header Authorization, which belongs to this client. The redirect was not followed. Leave the header as it is.',
        );
      }
      this.#assertAllowed(new URL(String(options.href)), options.headers as object);
    } catch (error) {
      this.#refusal = error as Error;
      throw error;
    }
  };

  #assertAllowed(target: URL, headers: object): void {
    assertOurs(target, this.#origin);
    assertBusiness(target, this.#businessId);
    for (const [name, value] of Object.entries(headers) as [string, unknown][]) {
      if (name.toLowerCase() === 'host') assertHost(value, target);
    }
  }
}

/** Names of headers come as the application wrote them. */
function authorizationOf({ headers }: Parameters<BeforeRedirect>[0]): unknown {
  const all = Object.entries((headers ?? {}) as Readonly<Record<string, unknown>>);
  return all.find(([name]) => name.toLowerCase() === 'authorization')?.[1];
}
