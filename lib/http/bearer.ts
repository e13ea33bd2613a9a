import { inspect } from 'node:util';
import type { AccessToken } from '../token/access-token.js';
import type { AssetCall } from './asset-call.js';

/**
 * A call on the way from the bearer interceptor to the transport, which gives the token to nobody else. Opaque: the
 * interceptors and transforms that an application adds see it pass, and can neither read nor print what is inside.
 */
export class Bearer {
  readonly #call: AssetCall;

  constructor(call: AssetCall) {
    this.#call = call;
  }

  static callOf(bearer: Bearer): AssetCall {
    return bearer.#call;
  }

  toJSON(): string {
    return '[redacted]';
  }

  toString(): string {
    return '[redacted]';
  }

  [inspect.custom](): string {
    return '[redacted]';
  }
}

/**
 * The same below the transport, with its token, for adapters that an application brings: one that has no answer of its
 * own may hand the request on to ours, checked and written as it is.
 */
export class SentBearer extends Bearer {
  readonly #token: AccessToken | undefined;

  constructor(call: AssetCall, token: AccessToken | undefined) {
    super(call);
    this.#token = token;
  }

  static tokenOf(bearer: SentBearer): AccessToken | undefined {
    return bearer.#token;
  }
}
