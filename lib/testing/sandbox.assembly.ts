import { randomBytes } from 'node:crypto';
import { businessRoutes } from './business.routes.js';
import { documentRoutes } from './document.routes.js';
import { echoRoutes } from './echo.routes.js';
import { newId } from './identifiers.js';
import { journalEntryRoutes } from './journal-entry.routes.js';
import { ledgerRoutes } from './ledger.routes.js';
import { reportRoutes } from './report.routes.js';
import { SandboxBusinesses } from './sandbox.businesses.js';
import type { ExchangeParts } from './sandbox.exchange.js';
import { SandboxFaults } from './sandbox.faults.js';
import { SandboxHolds } from './sandbox.holds.js';
import type { AssetSandboxOptions } from './sandbox.options.js';
import { SandboxRateLimiter } from './sandbox.rate-limit.js';
import { SandboxRecorder } from './sandbox.recorder.js';
import { SandboxRejections } from './sandbox.rejections.js';
import { SandboxRouter } from './sandbox.router.js';
import { DEFAULT_SETTINGS, mergeSettings } from './sandbox.settings.js';
import { SandboxTokens } from './sandbox.tokens.js';
import { SystemClock } from './system-clock.js';

const DEFAULT_MAX_RECORDED = 100_000;
const DEFAULT_MAX_BODY_BYTES = 10 * 1024 * 1024;

/** Puts the parts of a sandbox together. */
export function assemble(options: AssetSandboxOptions): ExchangeParts {
  const { maxRecordedRequests = DEFAULT_MAX_RECORDED, maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = options;
  const businesses = new SandboxBusinesses();
  return {
    maxBodyBytes,
    recorder: new SandboxRecorder(maxRecordedRequests),
    faults: new SandboxFaults(),
    holds: new SandboxHolds(),
    router: new SandboxRouter([
      ...businessRoutes(businesses),
      ...ledgerRoutes(),
      ...journalEntryRoutes(),
      ...reportRoutes(),
      ...documentRoutes(),
      ...echoRoutes(),
    ]),
    state: {
      businesses,
      clock: options.clock ?? new SystemClock(),
      clientId: options.clientId ?? newId('client'),
      clientSecret: options.clientSecret ?? newSecret(),
      settings: mergeSettings(DEFAULT_SETTINGS, options),
      tokens: new SandboxTokens(maxRecordedRequests),
      limiter: new SandboxRateLimiter(),
      rejections: new SandboxRejections(),
      origin: '',
    },
  };
}

/** Random, and with characters that mean something in a form, so that a client that forgets to encode is found out. */
export function newSecret(): string {
  return `+/&=% ${randomBytes(24).toString('base64url')}`;
}
