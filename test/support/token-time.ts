import { type AccessToken, type AssetTokenService, isAssetAuthError } from 'nestjs-asset-auth';
import type { ManualClock } from 'nestjs-asset-auth/testing';
import { eventually } from './eventually.js';
import { wasCaught } from './no-secrets.js';

/** The parts of a running application that have to do with tokens and time. */
export interface TimedTokens {
  readonly tokens: AssetTokenService;
  readonly clock: ManualClock;
}

/** Resolves when no refresh of a token that is held is under way. */
export const refreshed = ({ tokens }: TimedTokens): Promise<void> =>
  eventually(() => tokens.snapshot().every(({ refreshing }) => !refreshing));

/** Lets time pass in steps; after each, what it set off over real sockets comes to its end. */
export async function pass(parts: TimedTokens, ms: number, stepMs = ms): Promise<void> {
  for (let left = ms; left > 0; left -= stepMs) {
    await parts.clock.advance(Math.min(stepMs, left));
    await refreshed(parts);
  }
}

/** Lets time pass until the token is stale, and what that sets off come to its end. A `Date` is cut to the millisecond. */
export const passToStale = (parts: TimedTokens, token: AccessToken): Promise<void> =>
  pass(parts, Math.max(0, token.refreshAt.getTime() + 1 - parts.clock.now()));

/** Lets time pass until the token has expired. */
export const passToExpiry = (parts: TimedTokens, token: AccessToken): Promise<void> =>
  pass(parts, Math.max(0, token.expiresAt.getTime() + 1 - parts.clock.now()));

/** What the promise rejects with. Secrets are looked for in it after the test. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    wasCaught(error);
    return error;
  }
  throw new Error('It did not reject.');
}

/** What a call comes to: the token's value, or the code of the error. */
export async function outcome(call: Promise<{ readonly value: string }>): Promise<string> {
  try {
    return (await call).value;
  } catch (error) {
    return isAssetAuthError(error) ? error.code : String(error);
  }
}
