import { AsyncResource } from 'node:async_hooks';
import type { AccessToken } from './access-token.js';
import { failure } from './endpoint/token-answer.js';
import type { TokenFailure } from './endpoint/token-failure.js';
import type { TokenFetcher } from './endpoint/token-fetcher.js';
import { AssetClosedError, stillFailing, type AssetTokenError } from './endpoint/token.errors.js';
import { EndpointHealth } from './pacing/endpoint-health.js';
import type { AccessTokenRequest } from './request/access-token-request.js';
import type { TokenEntry } from './token-entry.js';
import { DeadlinePassed, TokenFlight } from './token-flight.js';
import { TokenLanding, type TokenLandingParts } from './token-landing.js';

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
