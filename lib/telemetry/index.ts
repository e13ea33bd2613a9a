// What `nestjs-asset-auth/telemetry` offers. It needs `@opentelemetry/api`.

export { AssetAuthTelemetryModule, type AssetAuthTelemetryOptions } from './asset-auth-telemetry.module.js';
