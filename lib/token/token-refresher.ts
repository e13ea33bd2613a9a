import { pause, detached } from '../config/clock.js';
import { nextAttemptMs } from '../retry/backoff.js';
import { type Slot, type SlotOutcome, TurnedAwayError } from '../retry/slots.js';
import { AccessToken, arrivedLife, remainingMs } from './access-token.js';
import type { CacheEntry } from './cache-entry.js';
import { EndpointCircuit, type EndpointCircuitParts } from './endpoint-circuit.js';
import type { TokenEndpointClient } from './endpoint/token-endpoint.client.js';
import type { IssuedToken } from './endpoint/token-response.js';
import {
  AssetClosedError,
  GaveWay,
  Interrupted,
  interruptedFailure,
  TokenRequestFailure,
} from './endpoint/token.errors.js';
import { type Beginning, grantOf, PendingRequest } from './pending-request.js';
import { AskedElsewhere, type SharedRefresh } from './shared-refresh.js';
import type { TokenCache } from './token-cache.js';
import type { AccessTokenRequest } from './token-request.js';

/** The collaborators of a refresh. */
export interface TokenRefresherParts extends EndpointCircuitParts {
  readonly cache: TokenCache;
  readonly endpoint: Pick<TokenEndpointClient, 'fetch'>;
  /** `undefined`: this process shares no tokens. */
  readonly shared?: SharedRefresh | undefined;
  /** Called when something new is due for a key. */
  readonly plan: (entry: CacheEntry) => void;
}

/**
 * Gets new tokens, with at most one request per key. May a request go? Not while the endpoint is known to hand out the
 * same token again, nor while a failure of the key is in force, nor while the circuit is open. It then waits for its slot
 * and is sent, and again if that failed and {@link nextAttemptMs} says so. A token goes into the cache. A failure that is
 * the endpoint's opens the circuit, any other is remembered with the key; either way the token at hand serves on until it
 * expires.
 */
export class TokenRefresher {
  readonly circuit: EndpointCircuit;
  readonly #pending = new Map<string, PendingRequest>();
  /** Those with an attempt under way. */
  readonly #sent = new Set<PendingRequest>();
  #isBackgroundStopped = false;

  constructor(private readonly parts: TokenRefresherParts) {
    this.circuit = new EndpointCircuit(parts);
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
  request(entry: CacheEntry, beginning: Beginning): PendingRequest | Promise<AccessToken> {
    // After a sleep, attempts for other keys may hold all slots as well.
    for (const sent of this.#sent) sent.interruptIfOutlived();
    const pending = this.#pending.get(entry.request.key);
    if (pending === undefined) {
      return entry.sameTokenForNow(this.parts.clock) ?? this.#start(entry, beginning);
    }
    pending.join();
    return pending;
  }

  /** Fetches the next token while the present one serves. */
  refreshAhead(entry: CacheEntry): void {
    const { clock, plan } = this.parts;
    if (entry.restsForMs(clock) > 0 || this.#isBackgroundStopped || this.isPending(entry.request)) return;
    try {
      this.#start(entry, { reason: 'refresh' });
    } catch {
      // Refused: tried again after a rest.
      this.#rest(entry);
      plan(entry);
    }
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

  #start(entry: CacheEntry, beginning: Beginning): PendingRequest {
    // With a store, only once that was looked into: another process may fare better.
    const probe = this.parts.shared === undefined ? this.circuit.admit(entry) : undefined;
    const pending = new PendingRequest(entry.request, probe, beginning, this.parts);
    this.#pending.set(entry.request.key, pending);
    this.parts.events.tell('token.pending', pending.began);
    detached(() => void this.#run(pending));
    return pending;
  }

  async #run(pending: PendingRequest): Promise<void> {
    for (;;) {
      const afterMs = await this.#attempt(pending);
      if (afterMs === undefined) return;
      // A pause that the end of the client cuts short leads to an attempt that is not sent.
      if (afterMs > 0) await pause(afterMs, this.parts.clock, pending.signal).catch(() => {});
    }
  }

  /** @returns milliseconds until the next attempt; `undefined`: the request is settled */
  async #attempt(pending: PendingRequest): Promise<number | undefined> {
    const { shared } = this.parts;
    let slot: Slot | undefined;
    let outcome: SlotOutcome = 'silence';
    try {
      const found = shared && (await this.#found(pending, shared));
      const issued = found ?? (await this.#fetch(pending, (slot = this.#enter(pending))));
      outcome = 'answer';
      const token = this.#arrived(pending, issued);
      shared?.endTurn(pending, true);
      this.#remove(pending);
      pending.resolve(token);
      return undefined;
    } catch (thrown) {
      shared?.endTurn(pending, false);
      const reason: unknown = pending.endReason ?? thrown;
      if (reason instanceof AskedElsewhere) outcome = 'unsent';
      if (!(reason instanceof TokenRequestFailure)) return this.#undecided(pending, reason);
      if (!reason.error.timedOut) outcome = 'answer';
      return this.#failed(pending, reason);
    } finally {
      // The slot last, so that the next request knows how this one fared.
      slot?.release(outcome);
    }
  }

  /** The token of another process; if there is none, the endpoint may be asked. */
  async #found(pending: PendingRequest, shared: SharedRefresh): Promise<IssuedToken | undefined> {
    const found = await shared.look(pending);
    if (found !== undefined || pending.attempts > 0) return found;
    pending.probe = this.circuit.admit(this.parts.cache.entryOf(pending.request), pending.probe);
    return undefined;
  }

  #enter(pending: PendingRequest): Slot {
    const { limiter, clock } = this.parts;
    if (pending.endReason !== undefined) throw pending.endReason;
    const entry = this.parts.cache.entryOf(pending.request);
    const { isNewcomer, hasHung } = entry;
    const { isAwaited: awaited, withinMs } = pending;
    const remainingMs = entry.remainingMs(clock);
    const slot = limiter.enter({ isNewcomer, hasHung, awaited, withinMs, remainingMs });
    pending.queuedFor(slot);
    return slot;
  }

  async #fetch(pending: PendingRequest, slot: Slot): Promise<IssuedToken> {
    const { cache, endpoint, limiter, shared } = this.parts;
    await slot.granted;
    if (shared !== undefined) await shared.takeTurn(pending);
    const attempt = pending.startAttempt();
    this.#sent.add(pending);
    try {
      pending.signal.throwIfAborted();
      const entry = cache.entryOf(pending.request);
      // It may have opened while the request was queued.
      pending.probe = this.circuit.admit(entry, pending.probe);
      return await endpoint.fetch({
        request: pending.request,
        purpose: pending.purpose,
        signal: attempt.signal,
        isKnown: !entry.isNewcomer,
        onHeaders: (headers, isToken) => {
          if (isToken || this.circuit.speaksForEndpoint(entry))
            limiter.observe(headers, pending.sentAt?.monotonic);
        },
      });
    } catch (thrown) {
      const { reason } = attempt.signal as { readonly reason: unknown };
      throw reason instanceof Interrupted ? reason : thrown;
    } finally {
      attempt.end();
      this.#sent.delete(pending);
    }
  }

  #arrived(pending: PendingRequest, issued: IssuedToken): AccessToken {
    const { cache, clock, config, random, events, plan } = this.parts;
    const { request, probe, endReason } = pending;
    // Nothing is kept after the end, also when the answer comes together with it.
    if (endReason !== undefined) throw endReason;
    const known = cache.peek(request)?.lifeOf(issued.value);
    const { refreshAheadRatio } = config;
    const life = arrivedLife(issued, known, { refreshAheadRatio, jitter: random() }, clock);
    if (remainingMs(life, clock) <= 0) throw pending.whyExpired();
    const token = new AccessToken(issued.value, request, life);
    const entry = cache.keepToken(request);
    const isShared = issued.generation !== undefined;
    const isRenewal = entry.hadToken;
    entry.hold(token, issued.generation ?? this.parts.shared?.publish(token, issued), isShared);
    if (known !== undefined) entry.restAfterSameToken(clock);
    // What another process was given says nothing of how this one would fare.
    if (isShared) this.circuit.abandon(pending);
    else this.circuit.succeeded(probe);
    plan(entry);
    const { difference } = issued;
    const arrived = { ...grantOf(request), expiresAt: token.expiresAt, isRenewal, isShared, difference };
    events.publish('token.arrived', arrived);
    return token;
  }

  /** @returns milliseconds until the next attempt of the same request, if there is to be one */
  #failed(pending: PendingRequest, failure: TokenRequestFailure): number | undefined {
    const { clock, random } = this.parts;
    const { error, fault } = failure;
    const entry = this.parts.cache.keep(pending.request);
    entry.noteError(error, fault === 'unavailable' && (error.timedOut || pending.isSlow));
    const isBlamed = this.circuit.failed(pending, failure, entry);
    const isNeeded = pending.isAwaited && !entry.isHeld(clock) && !isBlamed;
    // Neither the probe of an open circuit, nor a key that had failed before this request.
    const isFirst = pending.probe === undefined && entry.failuresWithThis(clock) === 1;
    const afterMs = isNeeded && isFirst ? nextAttemptMs(failure, pending.attempts, random()) : undefined;
    if (afterMs !== undefined && afterMs < pending.remainingMs) {
      pending.lastFailure = failure;
      return afterMs;
    }
    this.#endFailed(pending, failure, isBlamed);
    return undefined;
  }

  #endFailed(pending: PendingRequest, failure: TokenRequestFailure, isBlamed: boolean): void {
    const { cache, clock, random, events, plan } = this.parts;
    const entry = cache.keep(pending.request);
    const { error, orderedWaitMs } = failure;
    if (isBlamed) {
      this.#rest(entry);
    } else {
      entry.rememberFailure(error, { random: random(), orderedWaitMs }, clock);
      events.publish('token.failed', { ...grantOf(pending.request), error, isServing: entry.isHeld(clock) });
    }
    plan(entry);
    this.#remove(pending);
    pending.reject(error);
  }

  /**
   * Without a verdict of the endpoint: interrupted, asked elsewhere, without slot or admission, or ended by a close.
   *
   * @returns milliseconds until the next attempt of the same request, if there is to be one
   */
  #undecided(pending: PendingRequest, reason: unknown): number | undefined {
    const { cache } = this.parts;
    const { request, lastFailure } = pending;
    const isLeft = reason instanceof TurnedAwayError && reason.reason === 'left';
    if (reason instanceof GaveWay) {
      cache.keep(request).noteSilence();
      pending.lastFailure = interruptedFailure(reason, request, this.parts.config);
    }
    // Interrupted, it begins anew; so it does if a caller came in the very moment in which the last had left.
    if (reason instanceof Interrupted || (isLeft && pending.isAwaited)) return 0;
    this.circuit.abandon(pending);
    // In one step with the question: who joins later would get the error of a request that is over.
    if (reason instanceof AskedElsewhere && pending.isAwaited) return reason.againInMs;
    // What gave its slot away, and was left before it was sent again, has not failed: the next caller may ask at once.
    const hasFailed = pending.endReason === undefined && !(isLeft && pending.gaveSlotAway);
    if (lastFailure !== undefined && hasFailed) this.#endFailed(pending, lastFailure, false);
    else this.#endUnanswered(pending, reason);
    return undefined;
  }

  #endUnanswered(pending: PendingRequest, reason: unknown): void {
    const entry = this.parts.cache.entryOf(pending.request);
    this.#rest(entry);
    this.parts.plan(entry);
    this.#remove(pending);
    pending.reject(this.circuit.turnedAway(entry, reason));
  }

  #rest(entry: CacheEntry): void {
    entry.rest(this.circuit.restMs(entry), this.parts.clock);
  }

  /**
   * Before it is settled: a caller that comes back at once must find it gone. Compares identity, so that a request which
   * took its place stays.
   */
  #remove(pending: PendingRequest): void {
    if (this.#pending.get(pending.request.key) === pending) this.#pending.delete(pending.request.key);
  }
}
