// One token request as an application in this environment would make it, and what came of it, without the token.
import { AssetAuthConfig } from '../config/asset-auth.config.js';
import { type AssetAuthErrorCode, isAssetAuthError } from '../config/asset-auth.errors.js';
import type { AssetAuthOptions } from '../config/asset-auth.options.js';
import { pause, systemClock } from '../config/clock.js';
import { assetAuthOptionsFromEnv } from '../config/options-from-env.js';
import { EventPublisher } from '../events/event-publisher.js';
import { nextAttemptMs } from '../retry/backoff.js';
import { ClientConnections } from '../token/endpoint/connections.js';
import { TokenEndpointClient } from '../token/endpoint/token-endpoint.client.js';
import type { IssuedToken } from '../token/endpoint/token-response.js';
import { AssetTokenError, TokenRequestFailure, tooSlow } from '../token/endpoint/token.errors.js';
import { grantOf } from '../token/pending-request.js';
import {
  type AccessTokenGrant,
  type AccessTokenRequest,
  type AssetTokenRequest,
  TokenRequestResolver,
} from '../token/token-request.js';
import { describeToken, type TokenReport, type Untold } from './token-report.js';

/**
 * What came of a check. The first is the only good one, of the second nothing is known but good, and the last three mean that
 * Asset gave no verdict.
 */
export type CheckOutcome =
  | 'as-asked'
  | 'as-asked-as-far-as-told'
  | 'granted-otherwise'
  | 'refused'
  | 'bad-arguments'
  | 'bad-configuration'
  | 'unavailable';

/** What came of a check, without the token and the secret. What is not known is left out. */
export interface CheckReport {
  readonly outcome: CheckOutcome;
  /** `'sandbox'`, `'production'`, or the origin where only that was given. */
  readonly environment?: string;
  readonly origin?: string;
  readonly clientId?: string;
  readonly asked?: AccessTokenGrant;
  readonly token?: TokenReport;
  /** What was asked for and is not told by the token, where the outcome is `as-asked-as-far-as-told`. */
  readonly untold?: readonly Untold[];
  /** Why it is not known to be as asked, and what to do about it. */
  readonly reason?: string;
  readonly code?: AssetAuthErrorCode;
  /** The id of Asset's refusal, for its support. */
  readonly requestId?: string | undefined;
}

/**
 * Asks for a token once, with the options of the environment, and again only where an application would. It takes
 * `tokenTimeoutMs` at most. No store is used: what it tells is what Asset says now.
 *
 * @param asked - what is left out takes the default of the environment
 * @returns what came of it, also if nothing did
 *
 * @example
 * ```ts
 * const { outcome } = await checkToken(process.env, { scopes: ['ledger:read'] });
 * ```
 */
export async function checkToken(
  env: Readonly<Record<string, string | undefined>>,
  asked: AssetTokenRequest,
): Promise<CheckReport> {
  const options = optionsOfOneRequest(env);
  return withoutSecret(await reportOf(options, asked), await secretOf(options));
}

/** Without a store and what is fetched at boot, and so that a token with other scopes is told of, not thrown away. */
function optionsOfOneRequest(env: Readonly<Record<string, string | undefined>>): AssetAuthOptions {
  const granted = env.ASSET_GRANTED_SCOPES;
  return assetAuthOptionsFromEnv({
    ...env,
    ASSET_STORE_KEYS: undefined,
    ASSET_STORE_PREFIX: undefined,
    ASSET_STORE_TIMEOUT_MS: undefined,
    ASSET_STARTUP: undefined,
    ASSET_GRANTED_SCOPES: granted === 'error' ? 'warn' : granted,
  });
}

/** The secret, which may be in a file; `undefined` if there is none, which the report tells. */
async function secretOf({ clientSecret }: AssetAuthOptions): Promise<unknown> {
  return typeof clientSecret === 'function' ? await clientSecret() : clientSecret;
}

async function reportOf(options: AssetAuthOptions, asked: AssetTokenRequest): Promise<CheckReport> {
  let config: AssetAuthConfig;
  try {
    config = new AssetAuthConfig(options);
  } catch (error) {
    return { outcome: 'bad-configuration', ...told(error) };
  }
  const { environment, origin, clientId } = config;
  const client = { environment, origin, clientId };
  let request: AccessTokenRequest;
  try {
    request = new TokenRequestResolver(config).request(asked);
  } catch (error) {
    return { outcome: 'bad-arguments', ...client, ...told(error) };
  }
  const known = { ...client, asked: grantOf(request) };
  try {
    const issued = await fetchToken(config, request);
    const { difference } = issued;
    const described = describeToken(issued, request, await config.readClientSecret());
    if (difference !== undefined) {
      return { outcome: 'granted-otherwise', ...known, token: described.token, reason: `${difference}.` };
    }
    const outcome = described.untold === undefined ? 'as-asked' : 'as-asked-as-far-as-told';
    return { outcome, ...known, ...described };
  } catch (error) {
    return { outcome: outcomeOf(error), ...known, ...told(error) };
  }
}

/** @throws AssetTokenError when there is no token */
async function fetchToken(config: AssetAuthConfig, request: AccessTokenRequest): Promise<IssuedToken> {
  const connections = new ClientConnections(config);
  const events = new EventPublisher(config);
  const pending = events.publish('token.pending', { ...grantOf(request), reason: 'caller' });
  const endpoint = new TokenEndpointClient(config, connections, systemClock, events);
  const signal = AbortSignal.timeout(config.tokenTimeoutMs);
  try {
    for (let attempts = 1; ; attempts += 1) {
      try {
        const purpose = { pending, reason: pending.reason, attempt: attempts };
        return await endpoint.fetch({ request, purpose, signal, isKnown: false, onHeaders: () => {} });
      } catch (failure) {
        if (!(failure instanceof TokenRequestFailure)) throw failure;
        const againMs = nextAttemptMs(failure, attempts, Math.random());
        if (againMs === undefined) throw failure.error;
        await pause(againMs, systemClock, signal);
      }
    }
  } catch (error) {
    throw signal.aborted && !(error instanceof AssetTokenError) ? tooSlow(request, config).error : error;
  } finally {
    connections.onApplicationShutdown();
  }
}

const OUTCOMES: Partial<Record<AssetAuthErrorCode, CheckOutcome>> = {
  ASSET_CREDENTIALS_REJECTED: 'refused',
  ASSET_SCOPE_REJECTED: 'refused',
  ASSET_BUSINESS_UNKNOWN: 'refused',
  ASSET_TOKEN_REQUEST_REJECTED: 'refused',
  ASSET_GRANT_MISMATCH: 'granted-otherwise',
  ASSET_CONFIG_INVALID: 'bad-configuration',
};

function outcomeOf(error: unknown): CheckOutcome {
  return (isAssetAuthError(error) ? OUTCOMES[error.code] : undefined) ?? 'unavailable';
}

/** @throws what is no error of ours: a bug, which must not pass for an outage */
function told(error: unknown): Pick<CheckReport, 'reason' | 'code' | 'requestId'> {
  if (!isAssetAuthError(error)) throw error;
  const { code, message, requestId } = error;
  // What its message names besides, the report tells itself.
  if (error instanceof AssetTokenError) return { code, reason: error.reason, requestId };
  if (code === 'ASSET_SCOPE_UNDECLARED') return { code, reason: NO_SCOPES };
  return { code, reason: message };
}

const NO_SCOPES =
  'Nothing says which scopes to ask for, so nothing was sent. Name them with --scopes "ledger:read report:read", or in ASSET_SCOPES. To ask for everything that the client may, set ASSET_UNDECLARED_SCOPES=allow.';

/** Shorter text is found in words that have nothing to do with it. */
const SHORTEST_SECRET = 4;

/** Somebody may have put the secret where something else belongs, such as the client id or a scope. */
function withoutSecret(report: CheckReport, clientSecret: unknown): CheckReport {
  if (typeof clientSecret !== 'string' || clientSecret.length < SHORTEST_SECRET) return report;
  const hide = (name: string, value: unknown): unknown =>
    typeof value === 'string' && name !== 'outcome' && name !== 'code'
      ? value.replaceAll(clientSecret, '[redacted]')
      : value;
  return JSON.parse(JSON.stringify(report, hide)) as CheckReport;
}
