/**
 * What compiles and what does not. Nothing here runs: `npm run typecheck` is the test. A line below `@ts-expect-error`
 * that compiles after all is an error itself.
 */
import { Agent } from 'node:https';
import type { ConfigurableModuleAsyncOptions } from '@nestjs/common';
import type {
  AssetAuthModule,
  AssetAuthModuleAsyncOptions,
  AssetAuthModuleExtras,
  AssetAuthOptionsFactory,
} from '../../lib/asset-auth.module.js';
import { assetFetch } from '../../lib/http/asset-fetch.js';
import type { AssetHttpService } from '../../lib/http/asset-http.service.js';
import type { AssetApiError } from '../../lib/http/http.errors.js';
import type { AssetTokenError } from '../../lib/token/endpoint/token.errors.js';
import type { AssetTokenHealth } from '../../lib/token/token-health.js';
import type { AssetTokenService } from '../../lib/token/token.service.js';
import type { AssetAuthConfig } from '../../lib/config/asset-auth.config.js';
import {
  type AssetAuthErrorCode,
  type AssetAuthErrorLike,
  isAssetAuthError,
} from '../../lib/config/asset-auth.errors.js';
import type { AssetAuthOptions, AssetHttpDefaults } from '../../lib/config/asset-auth.options.js';
import { assetAuthOptionsFromEnv } from '../../lib/config/options-from-env.js';
import type { AssetScopeName, AssetScopes, ScopeSet } from '../../lib/config/scope-set.js';

type Equal<A, B> = [A, B] extends [B, A] ? true : false;
type Proof<T extends true> = T;

declare const readOnlyList: readonly string[];

const least = { clientId: 'platform', clientSecret: 'secret' };

export const options: readonly AssetAuthOptions[] = [
  // The least that is needed.
  { environment: 'sandbox', clientId: 'platform', clientSecret: 'secret' },
  { baseUrl: 'https://gateway.example', ...least },
  // @ts-expect-error: without a client id
  { environment: 'sandbox', clientSecret: 'secret' },
  // @ts-expect-error: without a client secret
  { environment: 'sandbox', clientId: 'platform' },

  // The secret is text, or a function that is asked again each time.
  { clientId: 'platform', clientSecret: () => 'secret' },
  { clientId: 'platform', clientSecret: () => Promise.resolve('secret') },
  // @ts-expect-error: a promise would be read only once
  { clientId: 'platform', clientSecret: Promise.resolve('secret') },
  // @ts-expect-error: a function that may have none
  { clientId: 'platform', clientSecret: () => process.env.SECRET },

  // @ts-expect-error: a misspelt option
  { ...least, clientSecert: 'secret' },
  // @ts-expect-error: an option that would change what the token request says
  { ...least, grantType: 'password' },

  // As it comes from configuration. What is no environment is refused at boot.
  { ...least, environment: String(process.env.ASSET_ENVIRONMENT) },
  // @ts-expect-error: not a policy for undeclared scopes
  { ...least, undeclaredScopes: 'forbid' },
  // @ts-expect-error: not a policy for granted scopes
  { ...least, grantedScopes: 'ignore' },
  // @ts-expect-error: not a way to start
  { ...least, startup: 'eager' },

  // @ts-expect-error: text where a number belongs, as from an environment variable
  { ...least, tokenTtlSeconds: '3600' },
  // @ts-expect-error: null is not "not said"
  { ...least, maxTokens: null },
  // `undefined` is, so that a variable that may be unset can be handed on.
  { ...least, environment: undefined, baseUrl: process.env.GATEWAY, scopes: undefined, http: undefined },

  // Lists may be read-only, since the library does not change them.
  { ...least, scopes: readOnlyList, allowedScopes: readOnlyList, resource: readOnlyList },
  { ...least, scopes: 'ledger:read', resource: 'urn:a' },
  // @ts-expect-error: a scope is text
  { ...least, scopes: [7] },
  // @ts-expect-error: a set is not a list
  { ...least, scopes: new Set(['ledger:read']) },

  // What the environment holds can be completed in code.
  assetAuthOptionsFromEnv({ ASSET_CLIENT_ID: undefined }),
  { ...assetAuthOptionsFromEnv(), http: { timeout: 5000 } },
];

export const httpDefaults: readonly AssetHttpDefaults[] = [
  { timeout: 5000, httpsAgent: new Agent(), headers: { 'X-Trace': '1' }, proxy: false },
  // @ts-expect-error: the origin is ours
  { baseURL: 'https://evil.example' },
  // @ts-expect-error: the transport is ours
  { adapter: 'fetch' },
  // @ts-expect-error: the credentials are ours
  { auth: { username: 'user', password: 'secret' } },
  // @ts-expect-error: the body belongs to the single request
  { data: {} },
  // @ts-expect-error: not an axios option
  { timeot: 5000 },
];

export const scopes: readonly AssetScopes[] = [
  'ledger:read',
  'tax_form:read',
  ['tax_form:read', 'ledger:read'],
  // @ts-expect-error: not text
  7,
  // @ts-expect-error: "explicitly none" is no scope
  null,
];

/** Names of options whose type lets everything through. */
type Unchecked = {
  [Name in keyof AssetAuthOptions]-?: 0 extends 1 & AssetAuthOptions[Name] ? Name : never;
}[keyof AssetAuthOptions];

/** The members that an editor completes: all but the one that stands for any text. */
type Completed<T> = T extends string ? (string extends T ? never : T) : never;

type DocumentedScope =
  | 'business:create'
  | 'ledger:create'
  | 'ledger:read'
  | 'ledger:update'
  | 'journal_entry:create'
  | 'transaction:update'
  | 'invoice:create'
  | 'invoice:update'
  | 'bill:create'
  | 'bill:update'
  | 'credit_memo:create'
  | 'vendor_credit:create'
  | 'request:read'
  | 'request:create'
  | 'report:read';

/** What Nest's own configurable modules take, but for the providers of a parent module. */
type OfNest = Omit<
  ConfigurableModuleAsyncOptions<AssetAuthOptions, keyof AssetAuthOptionsFactory>,
  'provideInjectionTokensFrom'
>;

export type Proofs = [
  ForRootTakesOptionsAndExtras: Proof<
    Equal<Parameters<typeof AssetAuthModule.forRoot>, [AssetAuthOptions & AssetAuthModuleExtras]>
  >,
  ForRootAsyncTakesWhatNestTakes: Proof<
    Equal<Parameters<typeof AssetAuthModule.forRootAsync>, [OfNest & AssetAuthModuleExtras]>
  >,
  AsyncOptionsAreExported: Proof<Equal<AssetAuthModuleAsyncOptions, OfNest & AssetAuthModuleExtras>>,
  NoOptionTakesAnything: Proof<Equal<Unchecked, never>>,
  DocumentedScopesAreCompleted: Proof<Equal<Completed<AssetScopeName>, DocumentedScope>>,
  AnyTextIsAScopeName: Proof<Equal<AssetScopeName, string>>,
  AssetFetchIsAFetch: Proof<Equal<ReturnType<typeof assetFetch>, typeof fetch>>,
  ErrorsTellTheIdOfARefusal: Proof<
    Equal<(AssetAuthErrorLike | AssetTokenError | AssetApiError)['requestId'], string | undefined>
  >,
  MocksCanNameTheScopes: Proof<
    Equal<
      Parameters<AssetHttpService['withScope']> extends [...infer Args] ? Args : never,
      Parameters<AssetHttpService['withScope']>
    >
  >,
];

export function readOnly(set: ScopeSet, config: AssetAuthConfig): unknown {
  // @ts-expect-error: a set of scopes cannot be changed
  set[0] = 'ledger:read';
  // @ts-expect-error: nor can the configuration
  config.origin = 'https://evil.example';
  // @ts-expect-error: the secret is no field of it
  return config.clientSecret;
}

export function givenUp(tokens: AssetTokenService, asset: AssetHttpService): AssetTokenHealth['status'] {
  tokens.invalidate({ businessId: 'biz_1' });
  tokens.invalidate({ businessId: null, scopes: readOnlyList });
  // @ts-expect-error: not a name of a filter
  tokens.invalidate({ business: 'biz_1' });
  // @ts-expect-error: a resource is none either
  tokens.invalidate({ resource: 'urn:a' });
  // @ts-expect-error: everything has a method of its own
  tokens.invalidate();
  tokens.invalidateAll();

  assetFetch(asset, { scopes: readOnlyList, businessId: null, resource: 'urn:a' });
  // @ts-expect-error: a misspelt option
  assetFetch(asset, { scope: 'ledger:read' });
  // @ts-expect-error: no token is not an option here
  assetFetch(asset, false);

  const health = tokens.health();
  // @ts-expect-error: what is told cannot be changed
  health.status = 'up';
  return health.status;
}

export function guarded(error: unknown): [AssetAuthErrorLike, AssetAuthErrorCode, number?] | undefined {
  // @ts-expect-error: no such code
  if (isAssetAuthError(error, 'ASSET_TOKEN_UNAVAILIBLE')) return undefined;
  return isAssetAuthError(error, 'ASSET_TOKEN_UNAVAILABLE')
    ? [error, error.code, error.retryAfterMs ?? 0]
    : undefined;
}
