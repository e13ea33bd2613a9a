import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import type { AssetClock } from '../config/clock.js';
import type { FetchedToken } from './endpoint/token-fetcher.js';
import type { TokenFailure } from './endpoint/token-failure.js';
import { failure } from './endpoint/token-answer.js';
import { AssetClosedError, stillFailing, type AssetTokenError } from './endpoint/token.errors.js';
import { backoffMs } from './pacing/backoff.js';
import type { EndpointHealth, Ground } from './pacing/endpoint-health.js';
import { TurnedAwayError } from './pacing/gate-ticket.js';
import type { TokenGate } from './pacing/token-gate.js';
import type { AccessTokenRequest } from './request/access-token-request.js';
import type { TokenCache } from './token-cache.js';
import type { TokenEntry } from './token-entry.js';
import type { TokenFlight } from './token-flight.js';
import { issueToken } from './token-issue.js';
import type { TokenJournal } from './token.journal.js';

/** What a landing is recorded in. */
export interface TokenLandingParts {
  readonly config: AssetAuthConfig;
  readonly clock: AssetClock;
  readonly random: () => number;
  readonly cache: TokenCache;
  readonly health: EndpointHealth;
  readonly gate: TokenGate;
  readonly journal: TokenJournal;
  /** Called when something new is due for a key. */
  readonly plan: (entry: TokenEntry) => void;
}

/** How a flight ends: records in the entry and in the endpoint's health what came of it, and tells those who wait. */
export class TokenLanding {
  readonly #parts: TokenLandingParts;

  constructor(parts: TokenLandingParts) {
    this.#parts = parts;
  }

  arrived(flight: TokenFlight, fetched: FetchedToken): void {
    const { cache, journal, plan, health } = this.#parts;
    const entry = cache.findOrCreate(flight.request);
    const issued = issueToken(fetched, { ...this.#parts, request: flight.request, entry });
    if ('failure' in issued) {
      this.failed(flight, issued.failure);
      return;
    }
    health.succeeded(flight.probe);
    plan(entry);
    flight.land(issued.token);
    // Last: the application's logger may throw, and a token is no failure.
    if (health.trouble === undefined) journal.untroubled();
    journal.refreshed(flight.request, issued.token);
  }

  failed(flight: TokenFlight, failed: TokenFailure): void {
    const { cache, clock, random, journal, plan } = this.#parts;
    const { error } = failed;
    const entry = cache.findOrCreate(flight.request);
    entry.lastError = error;
    if (this.#isEndpointsFault(flight, failed, entry)) {
      this.rest(entry);
    } else {
      entry.rememberFailure(error, random(), clock);
      journal.failed(error, entry.isHeld(clock));
    }
    plan(entry);
    flight.fail(error);
  }

  /** Turned away by the gate or ended by a close: no failure of the endpoint, nothing to remember. */
  neverSent(flight: TokenFlight, reason: unknown): void {
    const { cache, health, plan } = this.#parts;
    if (flight.probe !== undefined) health.abandoned(flight.probe);
    const entry = cache.peek(flight.request.key);
    if (entry !== undefined) {
      this.rest(entry);
      plan(entry);
    }
    flight.fail(reason instanceof TurnedAwayError ? this.#turnedAway(flight.request, reason) : reason);
  }

  /** A pause before the next background attempt, when the endpoint's trouble decides and not the key's. */
  rest(entry: TokenEntry): void {
    const { clock, random, health } = this.#parts;
    const waitMs = health.refusal(this.groundOf(entry))?.waitMs ?? 0;
    entry.rest(waitMs > 0 ? waitMs : backoffMs(1, random()), clock);
  }

  groundOf(entry: TokenEntry | undefined): Ground {
    return entry?.isHeld(this.#parts.clock) === true ? 'background' : 'foreground';
  }

  #isEndpointsFault({ probe }: TokenFlight, failed: TokenFailure, entry: TokenEntry): boolean {
    const { clock, gate, health, journal } = this.#parts;
    const blamed = health.failed({
      failure: failed,
      probe,
      ground: this.groundOf(entry),
      remainingMs: entry.remaining(clock),
      failuresOfKey: entry.failuresWithThis(clock),
    });
    if (health.trouble === undefined) journal.untroubled();
    if (blamed) {
      journal.troubled(failed.error);
      gate.clearBackground('endpoint in trouble');
      // Trouble in the background alone takes nothing from those who wait.
      if ((health.refusal('foreground')?.waitMs ?? 0) > 0) gate.clear('endpoint in trouble');
    }
    return blamed;
  }

  #turnedAway(request: AccessTokenRequest, { reason }: TurnedAwayError): AssetTokenError | AssetClosedError {
    const { config, health, cache } = this.#parts;
    if (reason === 'stopped') return new AssetClosedError();
    const { trouble } = health;
    if (reason === 'endpoint in trouble' && trouble !== undefined) {
      const waitMs = health.refusal(this.groundOf(cache.peek(request.key)))?.waitMs ?? 0;
      return stillFailing(trouble, request, waitMs);
    }
    const { environment, tokenTimeoutMs, maxConcurrentTokenRequests } = config;
    return failure({ request, environment }, 'ASSET_TOKEN_UNAVAILABLE', {
      what: `all ${maxConcurrentTokenRequests} slots for token requests were taken for ${tokenTimeoutMs} ms. Nothing was sent. If this lasts, the endpoint is slow, or maxConcurrentTokenRequests is too low.`,
      retryable: true,
    }).error;
  }
}
