import type { IncomingHttpHeaders } from 'node:http';
import type { AssetClock } from './asset-clock.js';
import type { Answer } from './http.answer.js';
import type { SandboxBusinesses } from './sandbox.businesses.js';
import type { AssetSandboxSettings } from './sandbox.options.js';
import type { SandboxRateLimiter } from './sandbox.rate-limit.js';
import type { SandboxRejections } from './sandbox.rejections.js';
import type { OpenRequest } from './sandbox.request.js';
import type { SandboxTokens } from './sandbox.tokens.js';

/** What both sides of an {@link AssetSandbox} share. */
export interface SandboxState {
  readonly clock: AssetClock;
  readonly clientId: string;
  readonly businesses: SandboxBusinesses;
  readonly tokens: SandboxTokens;
  readonly limiter: SandboxRateLimiter;
  readonly rejections: SandboxRejections;
  clientSecret: string;
  settings: AssetSandboxSettings;
  /** Where the sandbox can be reached: `http://127.0.0.1:<port>`. */
  origin: string;
}

/** A request that has arrived in full. */
export interface Incoming {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
  readonly body: Buffer;
  readonly at: number;
}

/** A request taken up by one of the two sides. */
export interface Visit {
  readonly record: OpenRequest;
  /** Does what was asked. Not called if a scripted fault takes the answer's place. */
  readonly serve: () => Answer;
}
