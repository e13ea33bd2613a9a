import type { AssetAuthOptions } from './asset-auth.options.js';

/** The variable of each option that one can be read from: all but `http`, which holds objects. */
export const ENVIRONMENT_VARIABLES = {
  environment: 'ASSET_ENVIRONMENT',
  baseUrl: 'ASSET_BASE_URL',
  tokenPath: 'ASSET_TOKEN_PATH',
  clientId: 'ASSET_CLIENT_ID',
  clientSecret: 'ASSET_CLIENT_SECRET',
  scopes: 'ASSET_SCOPES',
  businessId: 'ASSET_BUSINESS_ID',
  resource: 'ASSET_RESOURCE',
  undeclaredScopes: 'ASSET_UNDECLARED_SCOPES',
  allowedScopes: 'ASSET_ALLOWED_SCOPES',
  grantedScopes: 'ASSET_GRANTED_SCOPES',
  tokenTtlSeconds: 'ASSET_TOKEN_TTL_SECONDS',
  refreshAheadRatio: 'ASSET_REFRESH_AHEAD_RATIO',
  tokenTimeoutMs: 'ASSET_TOKEN_TIMEOUT_MS',
  maxTokens: 'ASSET_MAX_TOKENS',
  maxConcurrentTokenRequests: 'ASSET_MAX_CONCURRENT_TOKEN_REQUESTS',
  startup: 'ASSET_STARTUP',
} as const satisfies Readonly<Record<Exclude<keyof AssetAuthOptions, 'http'>, string>>;

/** The variable of an option, or `undefined` if it has none. */
export function environmentVariable(option: string): string | undefined {
  return Object.entries(ENVIRONMENT_VARIABLES).find(([name]) => name === option)?.[1];
}
