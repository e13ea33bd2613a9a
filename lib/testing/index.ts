export { type AssetClock } from './asset-clock.js';
export { AssetSandbox } from './asset-sandbox.js';
export { expectNoSecrets, type ExpectNoSecretsOptions } from './expect-no-secrets.js';
export { type AnswerHeaders } from './http.answer.js';
export { ManualClock, type ManualClockTimer } from './manual-clock.js';
export { type SandboxBusiness } from './sandbox.businesses.js';
export {
  type SandboxAnswerFault,
  type SandboxEndlessFault,
  type SandboxFault,
  type SandboxHangFault,
  type SandboxRedirectFault,
  type SandboxResetFault,
  type SandboxTruncatedFault,
} from './sandbox.fault.js';
export { type SandboxFaultHandle, type SandboxFaultOptions } from './sandbox.faults.js';
export { type SandboxHold } from './sandbox.holds.js';
export {
  type AssetSandboxOptions,
  type AssetSandboxSettings,
  type SandboxLatency,
  type SandboxRateLimits,
} from './sandbox.options.js';
export { type WaitForRequestOptions } from './sandbox.recorder.js';
export {
  type SandboxApiRequest,
  type SandboxRequest,
  type SandboxRequestFilter,
  type SandboxRequestKind,
  type SandboxTokenClaims,
  type SandboxTokenRequest,
} from './sandbox.request.js';
export { type SecretFinding, SecretFoundError } from './secret-found.error.js';
