import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import type { AssetClock } from '../config/clock.js';
import { detached } from '../config/detached.js';
import { backoffMs } from '../retry/backoff.js';
import { CircuitBreaker, type Urgency } from '../retry/circuit-breaker.js';
import { type RequestLimiter, type Slot, TurnedAwayError } from '../retry/request-limiter.js';
import { AccessToken, earlierEnd, remainingMs, staleWindowMs, type TokenLife } from './access-token.js';
import type { CacheEntry } from './cache-entry.js';
import type { TokenEndpointClient } from './endpoint/token-endpoint.client.js';
import type { IssuedToken } from './endpoint/token-response.js';
import {
  alreadyExpired,
  AssetClosedError,
  type AssetTokenError,
  stillFailing,
  TokenRequestFailure,
  tokenRequestFailure,
} from './endpoint/token.errors.js';
import { TokenTimeout, PendingRequest } from './pending-request.js';
import type { TokenCache } from './token-cache.js';
import type { TokenEvents } from './token.events.js';
import type { AccessTokenRequest } from './token-request.js';

/** The collaborators of a refresh. */
export interface TokenRefresherParts {
  readonly config: AssetAuthConfig;
  readonly clock: AssetClock;
  readonly random: () => number;
  readonly cache: TokenCache;
  readonly limiter: RequestLimiter;
  readonly endpoint: Pick<TokenEndpointClient, 'fetch'>;
  readonly events: TokenEvents;
  /** Called when something new is due for a key. */
  readonly plan: (entry: CacheEntry) => void;
}

/**
 * Gets new tokens, with at most one request per key. May a request go? Not while the endpoint is known to hand out the
 * same token again, nor while a failure of the key is in force, nor while the circuit is open. It then waits for its slot
 * and is sent. A token goes into the cache. A failure that is the endpoint's opens the circuit; any other is remembered
 * with the key, and its token, if usable, goes on serving. In the background a failure is remembered, not thrown.
 */
export class TokenRefresher {
  readonly #circuit: CircuitBreaker<AssetTokenError>;
  readonly #pending = new Map<string, PendingRequest>();
  #isBackgroundStopped = false;

  constructor(private readonly parts: TokenRefresherParts) {
    this.#circuit = new CircuitBreaker(parts.clock, parts.random);
  }

  isPending({ key }: AccessTokenRequest): boolean {
    return this.#pending.has(key);
  }

  /**
   * A request on which the caller waits from now on, until it leaves: the pending one or a new one. The held token instead
   * while the endpoint hands out no other.
   *
   * @throws AssetTokenError the earlier failure for which no request may go now
   */
  request(entry: CacheEntry): PendingRequest | Promise<AccessToken> {
    const pending = this.#pending.get(entry.request.key);
    if (pending === undefined) return entry.sameTokenForNow(this.parts.clock) ?? this.#start(entry, true);
    pending.join();
    return pending;
  }

  /** Fetches the next token while the present one serves. */
  refreshAhead(entry: CacheEntry): void {
    const { clock, plan } = this.parts;
    if (entry.restsForMs(clock) > 0 || this.#isBackgroundStopped || this.isPending(entry.request)) return;
    try {
      if (entry.sameTokenForNow(clock) === undefined) {
        this.#start(entry, false);
        return;
      }
    } catch {
      // Refused: tried again after a rest.
    }
    this.#rest(entry);
    plan(entry);
  }

  /** Ends what nobody waits on. A caller that comes later gets a request of its own. */
  stopBackground(): void {
    this.#isBackgroundStopped = true;
    this.parts.limiter.clearBackground('stopped');
    for (const pending of this.#pending.values()) if (!pending.isAwaited) this.#end(pending);
  }

  close(): void {
    this.stopBackground();
    this.parts.limiter.clear('stopped');
    for (const pending of this.#pending.values()) this.#end(pending);
  }

  #end(pending: PendingRequest): void {
    pending.abort(new AssetClosedError());
    this.#remove(pending);
  }

  #start(entry: CacheEntry, isAwaited: boolean): PendingRequest {
    const { clock } = this.parts;
    const { request } = entry;
    const known = entry.failureInForce(clock);
    if (known !== undefined) throw stillFailing(known.error, request, known.until - clock.monotonic());
    const admission = this.#circuit.admit(this.#urgencyOf(entry));
    if ('refusal' in admission) {
      throw stillFailing(admission.refusal.error, request, admission.refusal.waitMs);
    }
    const pending = new PendingRequest(request, admission.probe, isAwaited);
    this.#pending.set(request.key, pending);
    detached(() => void this.#run(pending));
    return pending;
  }

  async #run(pending: PendingRequest): Promise<void> {
    const { limiter, cache, clock } = this.parts;
    let slot: Slot | undefined;
    try {
      slot = limiter.enter(pending.isAwaited, cache.peek(pending.request)?.remainingMs(clock));
      pending.queuedFor(slot);
      pending.resolve(this.#arrived(pending, await this.#fetch(pending, slot)));
    } catch (thrown) {
      const reason: unknown = pending.endReason ?? thrown;
      if (reason instanceof TokenRequestFailure) this.#failed(pending, reason);
      else this.#notSent(pending, reason);
    } finally {
      // The slot last, so that the next request knows how this one fared.
      this.#remove(pending);
      slot?.release();
    }
  }

  async #fetch(pending: PendingRequest, slot: Slot): Promise<IssuedToken> {
    const { clock, config, endpoint } = this.parts;
    await slot.granted;
    const cancelDeadline = pending.startDeadline(config.tokenTimeoutMs, clock);
    try {
      this.#admitAgain(pending);
      return await endpoint.fetch(pending.request, pending.signal);
    } catch (reason) {
      throw reason instanceof TokenTimeout ? this.#tooSlow(pending.request) : reason;
    } finally {
      cancelDeadline();
    }
  }

  /** The circuit may have opened while the request was queued. */
  #admitAgain(pending: PendingRequest): void {
    pending.signal.throwIfAborted();
    const entry = this.parts.cache.peek(pending.request);
    const admission = this.#circuit.admit(this.#urgencyOf(entry), pending.probe);
    if ('probe' in admission) pending.probe = admission.probe;
    else throw stillFailing(admission.refusal.error, pending.request, admission.refusal.waitMs);
  }

  #arrived(pending: PendingRequest, issued: IssuedToken): AccessToken {
    const { cache, clock, events, plan } = this.parts;
    const { request, probe, endReason } = pending;
    // Nothing is kept after the end, also when the answer comes together with it.
    if (endReason !== undefined) throw endReason;
    const entry = cache.keep(request);
    const known = entry.lifeOf(issued.value);
    const life = known === undefined ? this.#lifeOf(issued) : earlierEnd(known, this.#lifeOf(issued), clock);
    if (remainingMs(life, clock) <= 0) throw alreadyExpired(request, this.parts.config.environment);
    const token = new AccessToken(issued.value, request, life);
    entry.hold(token);
    if (known !== undefined) entry.restAfterSameToken(clock);
    this.#circuit.succeeded(probe);
    plan(entry);
    if (this.#circuit.cause === undefined) events.circuitClosed();
    if (issued.difference !== undefined) events.grantDiffers(request, issued.difference);
    events.refreshed(request, token);
    return token;
  }

  #lifeOf({ issuedAt, lifeMs, requestMs }: IssuedToken): TokenLife {
    const { refreshAheadRatio } = this.parts.config;
    const jitter = this.parts.random();
    return { issuedAt, lifeMs, windowMs: staleWindowMs({ lifeMs, refreshAheadRatio, jitter, requestMs }) };
  }

  #failed(pending: PendingRequest, failure: TokenRequestFailure): void {
    const { cache, clock, random, events, plan } = this.parts;
    const { error } = failure;
    const entry = cache.keep(pending.request);
    entry.noteError(error);
    if (this.#isEndpointsFault(pending, failure, entry)) {
      this.#rest(entry);
    } else {
      entry.rememberFailure(error, random(), clock);
      events.failed(error, entry.isHeld(clock));
    }
    plan(entry);
    pending.reject(error);
  }

  #isEndpointsFault({ probe }: PendingRequest, failure: TokenRequestFailure, entry: CacheEntry): boolean {
    const { clock, limiter, events } = this.parts;
    const { error, fault, orderedWaitMs } = failure;
    const isBlamed = this.#circuit.failed({
      error,
      fault,
      orderedWaitMs,
      probe,
      urgency: this.#urgencyOf(entry),
      remainingMs: entry.remainingMs(clock),
      failuresOfKey: entry.failuresWithThis(clock),
    });
    if (this.#circuit.cause === undefined) events.circuitClosed();
    if (isBlamed) {
      events.circuitOpened(error);
      limiter.clearBackground('circuit open');
      // A circuit that is open in the background alone takes nothing from callers that wait.
      if ((this.#circuit.refusal('awaited')?.waitMs ?? 0) > 0) limiter.clear('circuit open');
    }
    return isBlamed;
  }

  /** Turned away by the limiter, or ended by a close: no failure of the endpoint, nothing to remember. */
  #notSent({ request, probe, reject }: PendingRequest, reason: unknown): void {
    const { cache, plan } = this.parts;
    if (probe !== undefined) this.#circuit.abandoned(probe);
    const entry = cache.peek(request);
    if (entry !== undefined) {
      this.#rest(entry);
      plan(entry);
    }
    reject(reason instanceof TurnedAwayError ? this.#turnedAway(request, reason) : reason);
  }

  /** A pause before the next background attempt, where the circuit decides and not the key. */
  #rest(entry: CacheEntry): void {
    const { clock, random } = this.parts;
    const waitMs = this.#circuit.refusal(this.#urgencyOf(entry))?.waitMs ?? 0;
    entry.rest(waitMs > 0 ? waitMs : backoffMs(1, random()), clock);
  }

  #urgencyOf(entry: CacheEntry | undefined): Urgency {
    return entry?.isHeld(this.parts.clock) === true ? 'background' : 'awaited';
  }

  /** Compares identity: a request that took its place stays. */
  #remove(pending: PendingRequest): void {
    const { key } = pending.request;
    if (this.#pending.get(key) === pending) this.#pending.delete(key);
  }

  #turnedAway(request: AccessTokenRequest, { reason }: TurnedAwayError): AssetTokenError | AssetClosedError {
    const { config, cache } = this.parts;
    if (reason === 'stopped') return new AssetClosedError();
    const { cause } = this.#circuit;
    if (reason === 'circuit open' && cause !== undefined) {
      const waitMs = this.#circuit.refusal(this.#urgencyOf(cache.peek(request)))?.waitMs ?? 0;
      return stillFailing(cause, request, waitMs);
    }
    const { environment, tokenTimeoutMs, maxConcurrentTokenRequests } = config;
    return tokenRequestFailure({ request, environment }, 'ASSET_TOKEN_UNAVAILABLE', {
      what: `all ${maxConcurrentTokenRequests} slots for token requests were taken for ${tokenTimeoutMs} ms. Nothing was sent. If this lasts, the endpoint is slow, or maxConcurrentTokenRequests is too low.`,
      fault: 'unclear',
      retryable: true,
    }).error;
  }

  #tooSlow(request: AccessTokenRequest): TokenRequestFailure {
    const { environment, tokenTimeoutMs } = this.parts.config;
    return tokenRequestFailure({ request, environment }, 'ASSET_TOKEN_UNAVAILABLE', {
      what: `there was no complete answer within tokenTimeoutMs (${tokenTimeoutMs} ms). It is asked again by itself, with growing pauses.`,
      fault: 'unavailable',
      timedOut: true,
      retryable: true,
    });
  }
}
