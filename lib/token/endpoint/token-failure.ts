import type { AssetTokenError } from './token.errors.js';

/** A token request that brought no token: what to tell callers, and whose fault it is. */
export interface TokenFailure {
  readonly error: AssetTokenError;
  /** `'endpoint'`: every other request would fare the same. `'key'`: this very request is at fault, or unlucky. */
  readonly blame: 'endpoint' | 'key';
  /** Whether the endpoint could not be used at all; several of these in a row are blamed on it. */
  readonly unavailable: boolean;
  /** Whether the endpoint answered in substance, and so is well. */
  readonly endpointIsWell: boolean;
  /** Milliseconds that the server ordered to wait. */
  readonly orderedWaitMs: number | undefined;
}

/** What the endpoint's answer, or the lack of one, comes to. */
export type TokenOutcome<T> = { readonly token: T } | { readonly failure: TokenFailure };
