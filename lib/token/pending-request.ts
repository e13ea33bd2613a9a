// One token request, from its first caller to its end, however many attempts that takes.
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import { type AssetAuthErrorLike, isAssetAuthError } from '../config/asset-auth.errors.js';
import {
  type AssetClock,
  detached,
  type Instant,
  instantOf,
  setDeadline,
  untilAborted,
} from '../config/clock.js';
import type { Probe } from '../retry/circuit-breaker.js';
import type { Slot } from '../retry/slots.js';
import type { AssetTokenPendingEvent, AssetTokenRequestReason } from '../events/asset-auth.events.js';
import type { EventPublisher } from '../events/event-publisher.js';
import type { Sighting, Turn } from '../store/shared-tokens.js';
import type { AccessToken } from './access-token.js';
import {
  alreadyExpired,
  GaveWay,
  type Interrupted,
  Outlived,
  type TokenRequestFailure,
  TokenTimeout,
} from './endpoint/token.errors.js';
import type { AttemptPurpose } from './endpoint/token-endpoint.client.js';
import { PatienceOver } from './patient-wait.js';
import type { AccessTokenGrant, AccessTokenRequest } from './token-request.js';

/** Why a token request began: by a caller that waits, or as a refresh. */
export interface Beginning {
  readonly reason: AssetTokenRequestReason;
  /** Milliseconds that the caller has, if known. */
  readonly withinMs?: number | undefined;
}

/** The collaborators of a token request. */
export interface PendingRequestParts {
  readonly config: AssetAuthConfig;
  readonly clock: AssetClock;
  readonly events: Pick<EventPublisher, 'client'>;
}

/** A failure that takes more than a tenth of the time counts as slow. */
const SLOW_PART = 10;

/**
 * One token request that any number of callers wait on. It belongs to none of them: it has its own abort controller and
 * deadline, and a caller that leaves ends nothing. It makes one attempt after the other; all share one deadline.
 */
export class PendingRequest {
  readonly request: AccessTokenRequest;
  /** The event by which it began. */
  readonly began: AssetTokenPendingEvent;
  readonly withinMs: number | undefined;
  /** Set if it is the one request by which an open circuit is tried. */
  probe: Probe | undefined;
  /** Attempts so far, but for those that count for nobody. */
  attempts = 0;
  /** What lay in the store that processes share; `undefined`: not looked, or there was no answer. */
  seen: Sighting | undefined;
  /** Whose turn it is to ask the endpoint. */
  turn: Turn | undefined;
  /** Since when another process is asking, by the monotonic clock. */
  elsewhereSince: number | undefined;
  /** How often the store was looked at since. */
  polls = 0;
  /** Why the last attempt failed, while another is to follow. */
  lastFailure: TokenRequestFailure | undefined;
  /** Settles with what becomes of it. */
  readonly token: Promise<AccessToken>;
  resolve!: (token: AccessToken) => void;
  reject!: (reason: unknown) => void;
  readonly #controller = new AbortController();
  #waiting: number;
  #slot: Slot | undefined;
  #attempt: AbortController | undefined;
  /** Once only: strangers could make the cache forget that its key hung, and it would give way without end. */
  #hasGivenWay = false;
  #sentAt: Instant | undefined;
  /** By the monotonic clock; `undefined` before the first attempt. */
  #endsAt: number | undefined;
  #armDeadline: (() => void) | undefined;

  constructor(
    request: AccessTokenRequest,
    probe: Probe | undefined,
    { withinMs, reason }: Beginning,
    private readonly parts: PendingRequestParts,
  ) {
    this.request = request;
    this.began = { client: parts.events.client, ...grantOf(request), reason };
    this.withinMs = withinMs;
    this.probe = probe;
    this.#waiting = reason === 'refresh' ? 0 : 1;
    this.token = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // A failure that nobody waits for is remembered, not thrown.
    this.token.catch(() => {});
  }

  /** What the present attempt is made for. */
  get purpose(): AttemptPurpose {
    const { began, attempts, probe } = this;
    return { pending: began, reason: probe === undefined ? began.reason : 'probe', attempt: attempts };
  }

  /** Aborts when the client ends it. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isAwaited(): boolean {
    return this.#waiting > 0;
  }

  /** Why the client ended it; `undefined`: it did not. */
  get endReason(): Error | undefined {
    return this.signal.reason as Error | undefined;
  }

  /** Whether it gave its slot away and was not sent again. */
  get gaveSlotAway(): boolean {
    return this.#hasGivenWay && this.attempts === 0;
  }

  /** When the latest attempt was sent; `undefined` before the first. */
  get sentAt(): Instant | undefined {
    return this.#sentAt;
  }

  /** Ends it for all that wait on it. */
  abort(reason: Error): void {
    this.#controller.abort(reason);
    this.#attempt?.abort(reason);
  }

  /** One more caller waits on it. */
  join(): void {
    this.#waiting += 1;
    if (this.#waiting === 1) this.#awaitedChanged();
  }

  /** A caller waits no more. An attempt that is under way goes on all the same. */
  leave(): void {
    this.#waiting -= 1;
    if (this.#waiting === 0) this.#awaitedChanged();
  }

  /** @param slot - is told from now on whether callers wait, and may end an attempt that is under way */
  queuedFor(slot: Slot): void {
    this.#slot = slot;
  }

  /**
   * Begins an attempt, which is aborted with {@link TokenTimeout} `tokenTimeoutMs` after the first began. The timer keeps
   * the process alive while a caller waits.
   *
   * @returns the attempt's signal, and a function to be called when it is over
   */
  startAttempt(): { signal: AbortSignal; end: () => void } {
    const { clock, config } = this.parts;
    this.attempts += 1;
    this.#sentAt = instantOf(clock);
    const endsAt = (this.#endsAt ??= clock.monotonic() + config.tokenTimeoutMs);
    const attempt = new AbortController();
    this.#attempt = attempt;
    const slot = this.#slot;
    if (slot !== undefined && !this.#hasGivenWay)
      slot.interruptAttempt = (): void => {
        this.#hasGivenWay = true;
        this.#interrupt(new GaveWay());
      };
    const expire = (): void => {
      attempt.abort(new TokenTimeout());
    };
    let cancel = (): void => {};
    this.#armDeadline = (): void => {
      cancel();
      cancel = setDeadline(expire, Math.max(0, endsAt - clock.monotonic()), clock, { ref: this.isAwaited });
    };
    this.#armDeadline();
    const end = (): void => {
      this.#armDeadline = undefined;
      this.#attempt = undefined;
      if (slot !== undefined) slot.interruptAttempt = undefined;
      cancel();
    };
    return { signal: attempt.signal, end };
  }

  /** Whether the latest attempt has held its slot for long, compared with the time that there is for all. */
  get isSlow(): boolean {
    const { clock, config } = this.parts;
    if (this.#sentAt === undefined) return false;
    return clock.monotonic() - this.#sentAt.monotonic > config.tokenTimeoutMs / SLOW_PART;
  }

  /** Milliseconds left for attempts. */
  get remainingMs(): number {
    return this.#endsAt === undefined
      ? Number.POSITIVE_INFINITY
      : this.#endsAt - this.parts.clock.monotonic();
  }

  /** Whether the latest attempt is older than its time by the wall clock, and not by the other. */
  get #isOutlived(): boolean {
    const { clock, config } = this.parts;
    const { tokenTimeoutMs: timeoutMs } = config;
    const { wall, monotonic } = this.#sentAt ?? instantOf(clock);
    return clock.now() - wall > timeoutMs && clock.monotonic() - monotonic <= timeoutMs;
  }

  /** Interrupts an attempt that is out of time by the wall clock: its own timer stood still while the machine slept. */
  interruptIfOutlived(): void {
    if (this.#isOutlived) this.#interrupt(new Outlived());
  }

  /** Why a token has expired on arrival: a clock that was set forward under way ended its life, or the endpoint is at fault. */
  whyExpired(): Error {
    return this.#isOutlived ? new Outlived() : alreadyExpired(this.request, this.parts.config);
  }

  /** The next attempt has all the time anew and counts as the first. */
  #interrupt(reason: Interrupted): void {
    if (this.#attempt === undefined) return;
    this.attempts = 0;
    this.#endsAt = undefined;
    this.#attempt.abort(reason);
  }

  #awaitedChanged(): void {
    // The timers that this sets serve everybody, and not the caller that comes or goes.
    detached(() => {
      this.#slot?.setAwaited(this.isAwaited);
      this.#armDeadline?.();
    });
  }
}

/** What a request asks for, without what it is made of. */
export const grantOf = ({ scopes, businessId, resource }: AccessTokenGrant): AccessTokenGrant => ({
  scopes,
  businessId,
  resource,
});

/**
 * A caller's wait, until its signal aborts.
 *
 * @throws the reason of the signal, or what became of the request
 */
export async function awaited(
  pending: PendingRequest,
  clock: AssetClock,
  events: EventPublisher,
  signal: AbortSignal | undefined,
): Promise<AccessToken> {
  const waiting = events.publish('token.waiting', { pending: pending.began });
  const since = clock.monotonic();
  let error: AssetAuthErrorLike | undefined;
  let hasLeft = false;
  try {
    return await (signal === undefined ? pending.token : untilAborted(pending.token, signal));
  } catch (thrown) {
    if (isAssetAuthError(thrown)) error = thrown;
    else hasLeft = signal?.aborted === true && !(signal.reason instanceof PatienceOver);
    throw thrown;
  } finally {
    pending.leave();
    events.publish('token.waited', { waiting, durationMs: clock.monotonic() - since, error, hasLeft });
  }
}

/** Begins, and tells of a caller that is refused at once, since requests pause. */
export function begun<T>(request: AccessTokenGrant, events: EventPublisher, begin: () => T): T {
  try {
    return begin();
  } catch (error) {
    if (isAssetAuthError(error)) events.publish('token.refused', { ...grantOf(request), error });
    throw error;
  }
}
