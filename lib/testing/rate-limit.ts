import { type AnswerHeaders, HttpProblem } from './answer.js';
import type { AssetSandboxSettings, SandboxRateLimits } from './options.js';

const WINDOW_MS = 60_000;
const DOCUMENTED_PER_MINUTE = 300;

interface Window {
  readonly start: number;
  readonly used: number;
}

/** Counts requests per minute, in fixed windows that start with their first request (how Asset counts is not documented). */
export class SandboxRateLimiter {
  readonly #windows = new Map<string, Window>();

  /**
   * Counts one request.
   *
   * @param businessId - The business whose limit it counts against, `undefined` for the tenant's.
   * @returns The headers of its answer; none while limits are off.
   * @throws HttpProblem 429 above the limit.
   */
  count(settings: AssetSandboxSettings, businessId: string | undefined, now: number): AnswerHeaders {
    const limits = activeLimits(settings);
    if (limits === undefined) {
      return {};
    }
    const { tenantPerMinute = DOCUMENTED_PER_MINUTE, businessPerMinute = DOCUMENTED_PER_MINUTE } = limits;
    const limit = businessId === undefined ? tenantPerMinute : businessPerMinute;
    const window = this.#countIn(businessId ?? 'tenant', now);
    const headers = {
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-remaining': String(Math.max(0, limit - window.used)),
      'x-ratelimit-reset': String((window.start + WINDOW_MS) / 1000),
    };
    if (window.used > limit) {
      throw new HttpProblem(429, 'rate_limited', 'Too many requests in this minute.', headers);
    }
    return headers;
  }

  /** As {@link count}, for a request to the token endpoint, which counts only if the settings say so. */
  countTokenRequest(settings: AssetSandboxSettings, now: number): AnswerHeaders {
    return activeLimits(settings)?.tokenRequestsCount === true ? this.count(settings, undefined, now) : {};
  }

  #countIn(key: string, now: number): Window {
    const open = this.#windows.get(key);
    const goesOn = open !== undefined && now >= open.start && now < open.start + WINDOW_MS;
    const window = goesOn ? { start: open.start, used: open.used + 1 } : { start: now, used: 1 };
    this.#windows.set(key, window);
    return window;
  }
}

function activeLimits({ rateLimits }: AssetSandboxSettings): SandboxRateLimits | undefined {
  if (typeof rateLimits === 'boolean') {
    return rateLimits ? {} : undefined;
  }
  return rateLimits;
}
