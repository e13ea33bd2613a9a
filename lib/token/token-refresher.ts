import { AsyncResource } from 'node:async_hooks';
import { AccessToken, earlierEnd, remainingMs, type TokenLife } from './access-token.js';
import { failure, grantDifference } from './endpoint/token-response.js';
import {
  type TokenFailure,
  AssetClosedError,
  stillFailing,
  type AssetTokenError,
  type TokenOutcome,
} from './endpoint/token.errors.js';
import type { TokenFetcher, FetchedToken } from './endpoint/token-endpoint.client.js';
import { EndpointHealth, type Ground } from '../retry/circuit-breaker.js';
import type { AccessTokenRequest } from './token-request.js';
import type { TokenEntry } from './cache-entry.js';
import { DeadlinePassed, TokenFlight } from './pending-request.js';
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import type { AssetClock } from '../config/clock.js';
import { backoffMs } from '../retry/backoff.js';
import { TurnedAwayError, type TokenGate } from '../retry/request-limiter.js';
import type { TokenCache } from './token-cache.js';
import type { TokenJournal } from './token.events.js';
import { lifetimeMs, staleWindowMs } from './endpoint/token-lifetime.js';

/** Why no flight takes off: an earlier failure, or the endpoint hands out the held token again for the time being. */
export type Refusal = { readonly refused: AssetTokenError } | { readonly held: Promise<AccessToken> };

/** What the flights need to run. */
export interface TokenFlightsParts extends Omit<TokenLandingParts, 'health'> {
  readonly fetcher: Pick<TokenFetcher, 'fetch'>;
}

/**
 * Token requests under way, at most one per key. Decides whether a request may go at all, and carries it through the
 * gate to the endpoint.
 */
export class TokenFlights {
  readonly #parts: TokenFlightsParts;
  readonly #health: EndpointHealth;
  readonly #landing: TokenLanding;
  readonly #flights = new Map<string, TokenFlight>();
  /** Flights belong to nobody: they must not run in the async context of whoever happened to ask first. */
  readonly #nobody = new AsyncResource('AssetTokenFlight');
  #backgroundStopped = false;

  constructor(parts: TokenFlightsParts) {
    this.#parts = parts;
    this.#health = new EndpointHealth(parts.clock, parts.random, parts.config.hasRotatingSecret);
    this.#landing = new TokenLanding({ ...parts, health: this.#health });
  }

  underWay(request: AccessTokenRequest): TokenFlight | undefined {
    return this.#flights.get(request.key);
  }

  /**
   * A flight on which the caller waits from now on, until it leaves: the one under way, a new one, or the reason why
   * there is none.
   */
  forCaller(entry: TokenEntry): TokenFlight | Refusal {
    const flight = this.underWay(entry.request);
    if (flight === undefined) return this.#takeOff(entry, true);
    flight.join();
    return flight;
  }

  /** Fetches the next token while the present one serves. Nobody hears of it if that fails. */
  inBackground(entry: TokenEntry): void {
    const { clock, plan } = this.#parts;
    if (clock.monotonic() < entry.quietUntil) return;
    if (this.#backgroundStopped || this.#flights.has(entry.request.key)) return;
    if (this.#takeOff(entry, false) instanceof TokenFlight) return;
    this.#landing.rest(entry);
    plan(entry);
  }

  /** Ends what nobody waits on. A caller who comes later gets a flight of its own. */
  stopBackground(): void {
    this.#backgroundStopped = true;
    this.#parts.gate.clearBackground('stopped');
    for (const flight of this.#flights.values()) if (!flight.awaited) this.#end(flight);
  }

  close(): void {
    this.stopBackground();
    this.#parts.gate.clear('stopped');
    for (const flight of this.#flights.values()) this.#end(flight);
  }

  #end(flight: TokenFlight): void {
    flight.controller.abort(new AssetClosedError());
    this.#leave(flight);
  }

  #takeOff(entry: TokenEntry, awaited: boolean): TokenFlight | Refusal {
    const { clock } = this.#parts;
    const { request, settled } = entry;
    const now = clock.monotonic();
    const ground = this.#landing.groundOf(entry);
    if (settled !== undefined && ground === 'background' && now < entry.sameTokenUntil)
      return { held: settled };
    const known = entry.failureInForce(clock);
    if (known !== undefined) return { refused: stillFailing(known.error, request, known.until - now) };
    const admission = this.#health.admit(ground);
    if ('refusal' in admission) {
      return { refused: stillFailing(admission.refusal.error, request, admission.refusal.waitMs) };
    }
    const flight = new TokenFlight(request, { probe: admission.probe, awaited });
    this.#flights.set(request.key, flight);
    this.#nobody.runInAsyncScope(() => void this.#fly(flight));
    return flight;
  }

  async #fly(flight: TokenFlight): Promise<void> {
    try {
      const fetched = await this.#throughTheGate(flight);
      // An answer that comes together with the end comes too late: nothing is kept after it.
      if (flight.controller.signal.reason instanceof AssetClosedError) throw flight.controller.signal.reason;
      if ('failure' in fetched) this.#landing.failed(flight, fetched.failure);
      else this.#landing.arrived(flight, fetched.token);
    } catch (reason) {
      this.#landing.neverSent(flight, reason);
    } finally {
      // Last, so that whoever takes the slot knows how this one fared.
      this.#leave(flight);
      flight.ticket?.release();
    }
  }

  async #throughTheGate(flight: TokenFlight): ReturnType<TokenFetcher['fetch']> {
    const { gate, cache, clock, config, fetcher } = this.#parts;
    flight.ticket = gate.enter(flight.awaited, cache.peek(flight.request.key)?.remaining(clock));
    await flight.ticket.granted;
    const cancelDeadline = flight.startDeadline(config.tokenTimeoutMs, clock);
    try {
      this.#admitAgain(flight);
      return await fetcher.fetch(flight.request, flight.controller.signal);
    } catch (reason) {
      if (!(reason instanceof DeadlinePassed)) throw reason;
      return { failure: this.#tooSlow(flight.request) };
    } finally {
      cancelDeadline();
    }
  }

  /** The endpoint's trouble may have begun while this one queued. */
  #admitAgain(flight: TokenFlight): void {
    flight.controller.signal.throwIfAborted();
    const ground = this.#landing.groundOf(this.#parts.cache.peek(flight.request.key));
    const admission = this.#health.admit(ground, flight.probe);
    if ('probe' in admission) flight.probe = admission.probe;
    else throw stillFailing(admission.refusal.error, flight.request, admission.refusal.waitMs);
  }

  /** Compares identity: a flight that took its place stays. */
  #leave(flight: TokenFlight): void {
    const { key } = flight.request;
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }

  #tooSlow(request: AccessTokenRequest): TokenFailure {
    const { environment, tokenTimeoutMs } = this.#parts.config;
    return failure({ request, environment }, 'ASSET_TOKEN_UNAVAILABLE', {
      what: `there was no complete answer within tokenTimeoutMs (${tokenTimeoutMs} ms). It is asked again by itself, with growing pauses.`,
      unavailable: true,
      timedOut: true,
      retryable: true,
    });
  }
}

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

/** What a fetched token is judged against. */
export interface IssueContext {
  readonly request: AccessTokenRequest;
  readonly entry: TokenEntry;
  readonly config: AssetAuthConfig;
  readonly clock: AssetClock;
  readonly random: () => number;
  readonly journal: TokenJournal;
}

const SHORTEST_REST_MS = 1000;

/** Works out the life of a fetched token, compares it with what was asked and with what is held, and keeps it. */
export function issueToken(fetched: FetchedToken, context: IssueContext): TokenOutcome<AccessToken> {
  const { request, entry, config, clock, journal } = context;
  const { value, claims } = fetched.granted;
  const difference = grantDifference(request, claims);
  if (difference !== undefined) {
    if (config.grantedScopes === 'error')
      return refuse(context, 'ASSET_GRANT_MISMATCH', grantMismatch(difference));
    journal.grantDiffers(request, difference);
  }
  const life = lifeOf(fetched, context);
  if (life === undefined) return refuse(context, 'ASSET_TOKEN_MALFORMED', ARRIVED_DEAD);

  const sameAgain = entry.token?.value === value ? entry.life : undefined;
  const known = sameAgain === undefined ? life : earlierEnd(sameAgain, life, clock);
  const left = remainingMs(known, clock);
  if (left <= 0) return refuse(context, 'ASSET_TOKEN_MALFORMED', ARRIVED_DEAD);
  const token = new AccessToken(value, request, known);
  entry.hold(token, known);
  if (sameAgain !== undefined) {
    // Asking again at once would bring the same token once more (google-auth-library-python#581).
    entry.sameTokenUntil = clock.monotonic() + Math.max(SHORTEST_REST_MS, left / 2);
    entry.quietUntil = entry.sameTokenUntil;
  }
  return { token };
}

function lifeOf(
  { granted, reply }: FetchedToken,
  { config, clock, random }: IssueContext,
): TokenLife | undefined {
  const lifeMs = lifetimeMs({
    sentAt: reply.sent.wall,
    receivedAt: reply.receivedAt,
    serverDate: granted.serverDate,
    expiresIn: granted.expiresIn,
    claims: granted.claims,
    tokenTtlSeconds: config.tokenTtlSeconds,
  });
  if (lifeMs === undefined) return undefined;
  const requestMs = clock.monotonic() - reply.sent.monotonic;
  const { refreshAheadRatio } = config;
  const windowMs = staleWindowMs({ lifeMs, refreshAheadRatio, jitter: random(), requestMs });
  return { sent: reply.sent, lifeMs, windowMs };
}

const ARRIVED_DEAD =
  "the endpoint handed out a token that has already expired. Check this machine's clock, and whether a gateway caches token answers.";

const grantMismatch = (difference: string): string =>
  `the endpoint granted something else: ${difference}. Grant the OAuth client what it asks for in Asset's Dashboard, or set grantedScopes: 'warn'.`;

const refuse = (
  { request, config }: IssueContext,
  code: 'ASSET_GRANT_MISMATCH' | 'ASSET_TOKEN_MALFORMED',
  what: string,
): TokenOutcome<never> => ({
  failure: failure({ request, environment: config.environment }, code, {
    what,
    retryable: code === 'ASSET_TOKEN_MALFORMED',
    endpointIsWell: code === 'ASSET_GRANT_MISMATCH',
  }),
});
