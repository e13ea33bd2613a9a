import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import type { AssetClock } from '../config/clock.js';
import type { EventPublisher } from '../events/event-publisher.js';
import { backoffMs } from '../retry/backoff.js';
import {
  CircuitBreaker,
  type CircuitRequest,
  type CircuitTrouble,
  type Probe,
  type Urgency,
} from '../retry/circuit-breaker.js';
import type { RequestLimiter } from '../retry/request-limiter.js';
import { TurnedAwayError } from '../retry/slots.js';
import type { CacheEntry } from './cache-entry.js';
import {
  AssetClosedError,
  type AssetTokenError,
  type AssetTokenErrorCode,
  neverSent,
  stillFailing,
  type TokenRequestFailure,
} from './endpoint/token.errors.js';
import type { PendingRequest } from './pending-request.js';

/** The collaborators of the circuit. */
export interface EndpointCircuitParts {
  readonly config: AssetAuthConfig;
  readonly clock: AssetClock;
  readonly random: () => number;
  readonly limiter: RequestLimiter;
  readonly events: EventPublisher;
}

/** Whether the token endpoint is in trouble, with what follows from it: the circuit, the queue and the log agree. */
export class EndpointCircuit {
  readonly #circuit: CircuitBreaker<AssetTokenError>;
  /** The kinds of trouble that were told, until it is over, and whether as everybody's. */
  readonly #told = new Map<AssetTokenErrorCode, boolean>();

  constructor(private readonly parts: EndpointCircuitParts) {
    this.#circuit = new CircuitBreaker(parts.clock, parts.random, parts.config.tokenTimeoutMs);
  }

  get trouble(): CircuitTrouble<AssetTokenError> | undefined {
    return this.#circuit.trouble;
  }

  /**
   * Whether a request of the key may go now, as far as its own failures and the endpoint's allow.
   *
   * @param probe - how the request was admitted before, if it asks a second time
   * @throws AssetTokenError the earlier failure for which it may not
   */
  admit(entry: CacheEntry, probe?: Probe): Probe | undefined {
    const { clock } = this.parts;
    const known = entry.failureInForce(clock);
    if (known !== undefined) throw stillFailing(known.error, entry.request, known.until - clock.monotonic());
    const admission = this.#circuit.admit(this.#circuitRequest(entry), probe);
    if ('probe' in admission) return admission.probe;
    throw stillFailing(admission.refusal.error, entry.request, admission.refusal.waitMs);
  }

  /** The error for callers whose request was turned away from the queue. */
  turnedAway(entry: CacheEntry, thrown: unknown): unknown {
    if (!(thrown instanceof TurnedAwayError)) return thrown;
    const { reason, waitMs } = thrown;
    if (reason === 'stopped') return new AssetClosedError();
    const { cause } = this.#circuit;
    if (reason === 'circuit open' && cause !== undefined) {
      return stillFailing(cause, entry.request, this.#waitMs(entry));
    }
    return neverSent(entry.request, this.parts.config, reason === 'too late' ? waitMs : undefined);
  }

  /** Milliseconds before the next background attempt, where the circuit decides and not the key. */
  restMs(entry: CacheEntry): number {
    return this.#waitMs(entry) || backoffMs(1, this.parts.random());
  }

  /** Whether the endpoint's limits, as an answer to the key names them, are everybody's. */
  speaksForEndpoint(entry: CacheEntry): boolean {
    return this.#circuit.speaksForEndpoint(this.#circuitRequest(entry).urgency);
  }

  succeeded(probe: Probe | undefined): void {
    this.#circuit.succeeded(probe);
    this.#tellIfClosed();
  }

  /** It was no probe after all: another one may go. */
  abandon(pending: PendingRequest): void {
    if (pending.probe !== undefined) this.#circuit.abandoned(pending.probe);
    pending.probe = undefined;
  }

  /** @returns whether the endpoint is to blame, and so not the key */
  failed({ probe, sentAt }: PendingRequest, failure: TokenRequestFailure, entry: CacheEntry): boolean {
    const { clock, limiter, events } = this.parts;
    const { error, fault, orderedWaitMs } = failure;
    const request = this.#circuitRequest(entry);
    const isBlamed = this.#circuit.failed({
      ...request,
      error,
      fault,
      orderedWaitMs,
      probe,
      sentAt: sentAt?.monotonic ?? clock.monotonic(),
      remainingMs: entry.remainingMs(clock),
      failuresOfKey: entry.failuresWithThis(clock),
    });
    this.#tellIfClosed();
    if (!isBlamed) return false;
    const isEverybodys = this.trouble?.isEverybodys === true;
    const told = this.#told.get(error.code);
    if (told === undefined || (isEverybodys && !told)) {
      this.#told.set(error.code, isEverybodys);
      events.publish('circuit.opened', { error, isEverybodys });
    }
    if (request.urgency !== 'newcomer') limiter.clearBackground('circuit open');
    // A circuit that is open in the background alone, or for newcomers alone, takes nothing from callers that wait.
    if (this.#isHeld('newcomer')) limiter.clearNewcomers('circuit open');
    if (this.#isHeld('awaited')) limiter.clear('circuit open');
    return true;
  }

  #tellIfClosed(): void {
    if (this.#circuit.cause !== undefined || this.#told.size === 0) return;
    this.#told.clear();
    this.parts.events.publish('circuit.closed', {});
  }

  #isHeld(urgency: Urgency): boolean {
    return (this.#circuit.refusal({ key: '', urgency })?.waitMs ?? 0) > 0;
  }

  #waitMs(entry: CacheEntry): number {
    return this.#circuit.refusal(this.#circuitRequest(entry))?.waitMs ?? 0;
  }

  #circuitRequest(entry: CacheEntry): CircuitRequest {
    const { key } = entry.request;
    if (entry.isHeld(this.parts.clock)) return { key, urgency: 'background' };
    return { key, urgency: entry.isNewcomer ? 'newcomer' : 'awaited' };
  }
}
