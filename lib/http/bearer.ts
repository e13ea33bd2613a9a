import { inspect } from 'node:util';
import type { AccessToken } from '../token/access-token.js';
import type { AssetCall } from './asset-call.js';
import type { CheckedAddress } from './final-url.js';

/** What the transport takes out of a {@link Bearer}. */
export interface BearerContents {
  readonly call: AssetCall;
  readonly token: AccessToken | undefined;
  /** When the call's `timeout` is over, by the monotonic clock. */
  readonly deadline: number | undefined;
  /** The address as it was checked, which spares the transport to parse it again if nobody changed it. */
  readonly checked: CheckedAddress | undefined;
}

/**
 * A call with its token, on the way from the bearer interceptor to the transport. Opaque: the interceptors and
 * transforms that an application adds see it pass, and can neither read nor print what is inside.
 */
export class Bearer {
  readonly #contents: BearerContents;

  constructor(contents: BearerContents) {
    this.#contents = contents;
  }

  static read(bearer: Bearer): BearerContents {
    return bearer.#contents;
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
 * The same below the transport, for adapters that an application brings: one that has no answer of its own may hand the
 * request on to ours, checked and written as it is.
 */
export class SentBearer extends Bearer {}
