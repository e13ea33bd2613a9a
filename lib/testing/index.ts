export { type AnswerHeaders } from './answer.js';
export { AssetSandbox } from './asset-sandbox.js';
export { type AssetClock } from './clock.js';
export {
  type SandboxAnswerFault,
  type SandboxEndlessFault,
  type SandboxFault,
  type SandboxFaultHandle,
  type SandboxFaultOptions,
  type SandboxHangFault,
  type SandboxRedirectFault,
  type SandboxResetFault,
  type SandboxTruncatedFault,
} from './faults.js';
export { type SandboxHold } from './holds.js';
export {
  expectNoSecrets,
  type ExpectNoSecretsOptions,
  type SecretFinding,
  SecretFoundError,
} from './leak-scan/expect-no-secrets.js';
export { ManualClock, type ManualClockTimer } from './manual-clock.js';
export {
  type AssetSandboxOptions,
  type AssetSandboxSettings,
  type SandboxLatency,
  type SandboxRateLimits,
} from './options.js';
export {
  type SandboxApiRequest,
  type SandboxRequest,
  type SandboxRequestFilter,
  type SandboxRequestKind,
  type SandboxTokenClaims,
  type SandboxTokenRequest,
  type WaitForRequestOptions,
} from './recorder.js';
export { type SandboxBusiness } from './state.js';
export {
  type AssetTokenStore,
  type AssetTokenStoreCase,
  assetTokenStoreCases,
  type StoredValue,
} from './token-store-cases.js';
