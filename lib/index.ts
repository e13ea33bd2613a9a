// The public API, as one explicit list.

export {
  AssetAuthModule,
  type AssetAuthModuleAsyncOptions,
  type AssetAuthModuleExtras,
  type AssetAuthOptionsFactory,
} from './asset-auth.module.js';
export {
  ASSET_CLOCK,
  getAssetAuthConfigToken,
  getAssetAuthOptionsToken,
  getAssetHttpToken,
  getAssetTokenServiceToken,
  InjectAssetHttp,
  InjectAssetTokenService,
} from './asset-auth.tokens.js';

export { AssetAuthConfig } from './config/asset-auth.config.js';
export {
  AssetAuthError,
  type AssetAuthErrorCode,
  type AssetAuthErrorDetails,
  type AssetAuthErrorLike,
  AssetBusinessError,
  AssetConfigError,
  type AssetConfigProblem,
  AssetScopeError,
  isAssetAuthError,
} from './config/asset-auth.errors.js';
export type {
  AssetAuthOptions,
  AssetClientSecret,
  AssetEnvironment,
  AssetHttpDefaults,
} from './config/asset-auth.options.js';
export { type AssetTokenStore, type StoredValue } from './config/token-store.js';
export { assetAuthOptionsFromEnv, type AssetVariables } from './config/options-from-env.js';
export { type AssetStartup, type AssetStartupMode, type AssetStartupRequest } from './config/startup.js';
export { type AssetScopeName, type AssetScopes, type ScopeSet } from './config/scope-set.js';

export {
  type AssetAuthEvent,
  type AssetAuthEvents,
  type AssetCallReplayedEvent,
  type AssetErrorEvent,
  type AssetEventClient,
  type AssetStoreOperationEvent,
  type AssetTokenResponseEvent,
  type AssetTokenArrivedEvent,
  type AssetTokenFailedEvent,
  type AssetTokenPendingEvent,
  type AssetTokenRefusedEvent,
  type AssetTokenRequestReason,
  type AssetTokenRequestEvent,
  type AssetTokenWaitedEvent,
  type AssetTokenWaitingEvent,
  onAssetAuthEvent,
} from './events/asset-auth.events.js';

export { AccessToken } from './token/access-token.js';
export { type AssetClock } from './config/clock.js';
export {
  AssetClosedError,
  AssetTokenError,
  type AssetTokenErrorCode,
  type AssetTokenErrorDetails,
} from './token/endpoint/token.errors.js';
export {
  type AccessTokenGrant,
  type AssetTokenRequest,
  type GetAccessTokenOptions,
} from './token/token-request.js';
export { type AssetTokenFilter } from './token/token-filter.js';
export { type AssetTokenHealth } from './token/token-health.js';
export { AssetTokenService } from './token/token.service.js';
export { type AssetTokenSnapshot } from './token/cache-entry.js';

export { AssetBusinessRequestError } from './scope/scope.errors.js';
export { AssetBusiness } from './scope/asset-business.decorator.js';
export {
  AssetScopeContext,
  type AssetScopeContextInput,
  type AssetScopeInForce,
} from './scope/scope-context.js';
export { type AssetBusinessSource } from './scope/scope-metadata.js';
export { AssetScope, type AssetScopeOptions } from './scope/asset-scope.decorator.js';
export {
  AssetScopeExplorer,
  type AssetScopeInventoryEntry,
  type MisplacedAssetScope,
} from './inventory/asset-scope.explorer.js';
export { type AssetScopeEntryKind } from './inventory/discovery.js';
export { AssetScopeInterceptor } from './scope/asset-scope.interceptor.js';
export { type AssetScopeReport, listAssetScopes, type ProviderLookup } from './inventory/scope-report.js';
export { RunWithAssetScope, type RunWithAssetScopeOptions } from './scope/run-with-asset-scope.decorator.js';

export { AssetAuthExceptionFilter } from './http/asset-auth-exception.filter.js';
export { assetFetch } from './http/asset-fetch.js';
export { AssetHttpService } from './http/asset-http.service.js';
export { type AssetRequestOptions } from './http/asset-request.js';
export {
  AssetApiError,
  type AssetApiErrorCode,
  type AssetApiErrorDetails,
  AssetRequestError,
} from './http/http.errors.js';
export type * from './http/axios-augmentation.cjs';
export type * from './http/axios-augmentation.mjs';
