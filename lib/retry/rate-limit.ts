// What a server's headers say about waiting: `Retry-After`, `Date`, and the rate-limit headers of Asset's API.
import type { AssetClock } from '../config/clock.js';

/** Response headers with names in lower case. */
export type ResponseHeaders = Readonly<Record<string, unknown>>;

/** Longest wait that a server may order, in milliseconds: an hour's `Retry-After` would outlive its reason. */
export const LONGEST_ORDERED_WAIT_MS = 60_000;

/**
 * Longest wait that is handed out, in milliseconds: an hour. A caller may obey it to the letter, and Node's timers
 * turn 25 days into 1 ms.
 */
export const LONGEST_WAIT_MS = 3_600_000;

/** A number from here on is a moment, in seconds since the epoch: as a wait, 10⁹ s are 31 years. */
const MOMENTS_FROM = 1e9;
/** A moment from here on is in milliseconds: in seconds, 10¹¹ is the year 5138. */
const MILLISECONDS_FROM = 1e11;

/** The headers of a response with names in lower case: an adapter of the application may spell them as it likes. */
export function lowerCaseHeaders({ headers = {} }: { readonly headers?: object }): ResponseHeaders {
  const given: [string, unknown][] = Object.entries(headers);
  return Object.fromEntries(given.map(([name, value]) => [name.toLowerCase(), value]));
}

/** `Date` in milliseconds since the epoch, unless the answer aged in a cache (RFC 9110 §6.6.1, RFC 9111 §5.1). */
export function serverDateMs(headers: ResponseHeaders): number | undefined {
  return (decimal(headers.age) ?? 0) > 0 ? undefined : httpDateMs(headers.date);
}

/**
 * Milliseconds that a server orders to wait when it refuses a request for being one too many: from `Retry-After`, or
 * else from `x-ratelimit-reset`. A moment that is past, zero or unreadable orders nothing. At most an hour.
 *
 * @param now - our wall clock, used where the answer has no `Date`
 */
export function orderedWaitMs(headers: ResponseHeaders, now: number): number | undefined {
  return retryAfterMs(headers, now) ?? resetMs(headers['x-ratelimit-reset'], serverDateMs(headers) ?? now);
}

/** Milliseconds from `Retry-After` alone (RFC 9110 §10.2.3: seconds or a date; some send a timestamp). At most an hour. */
export function retryAfterMs(headers: ResponseHeaders, now: number): number | undefined {
  const value = headers['retry-after'];
  const seconds = decimal(value);
  if (seconds !== undefined && seconds < MOMENTS_FROM) return ifAhead(seconds * 1000);
  const moment = seconds === undefined ? httpDateMs(value) : momentMs(seconds);
  return moment === undefined ? undefined : ifAhead(moment - (serverDateMs(headers) ?? now));
}

/**
 * Milliseconds until the rate-limit window ends: a unix timestamp, maybe with a fraction (Asset API reference), or one in
 * milliseconds, as others send it. At most an hour.
 */
export function resetMs(value: unknown, serverNow: number): number | undefined {
  const second = decimal(value);
  return second === undefined ? undefined : ifAhead(momentMs(second) - serverNow);
}

const momentMs = (timestamp: number): number =>
  timestamp < MILLISECONDS_FROM ? timestamp * 1000 : timestamp;

/** How many more requests the server takes until when, as its last answers said. */
export class RateLimitWindow {
  #remaining = Number.POSITIVE_INFINITY;
  #resetAt = 0;
  /** When the latest request went that was heard of. */
  #sentAt = 0;
  /** Requests of unproven keys in the present window. */
  #spent = 0;
  /** When that window was to end as counting began. One that slides ends ever later, and would be counted anew each time. */
  #countsUntil = 0;

  constructor(private readonly clock: AssetClock) {}

  /** Milliseconds until the limit starts anew; 0 when none is in force. */
  get resetInMs(): number {
    return Math.max(0, this.#resetAt - this.clock.monotonic());
  }

  /** Most requests that may be under way now. */
  get room(): number {
    return this.resetInMs > 0 ? this.#remaining : Number.POSITIVE_INFINITY;
  }

  /** A request of an unproven key goes: these get at most half of what a window has. */
  spend(): void {
    this.#spent += 1;
  }

  /** It did not go after all. */
  takeBack(): void {
    this.#spent = Math.max(0, this.#spent - 1);
  }

  /** Whether one more of them leaves as much for known keys as they have taken. */
  sparesOne(underWay: number): boolean {
    return this.room - underWay > this.#spent + 1;
  }

  /**
   * An answer that comes late tells how much there was before those that were sent after it: it leaves no more room.
   *
   * @param sentAt - when its request went, by the monotonic clock
   */
  observe(headers: ResponseHeaders, sentAt = this.clock.monotonic()): void {
    const now = this.clock.now();
    const wait = resetMs(headers['x-ratelimit-reset'], serverDateMs(headers) ?? now);
    const remaining = headers['x-ratelimit-remaining'];
    if (wait === undefined || typeof remaining !== 'string' || !WHOLE_NUMBER.test(remaining)) return;
    if (sentAt < this.#sentAt && Number(remaining) >= this.#remaining) return;
    this.#sentAt = Math.max(sentAt, this.#sentAt);
    this.#remaining = Number(remaining);
    this.#resetAt = this.clock.monotonic() + Math.min(wait, LONGEST_ORDERED_WAIT_MS);
    if (this.clock.monotonic() < this.#countsUntil) return;
    this.#spent = 0;
    this.#countsUntil = this.#resetAt;
  }
}

const WHOLE_NUMBER = /^\d+$/;

/** Longer than any number or date: a regular expression that is tried on megabytes may exhaust the stack. */
const TOO_LONG = 100;

const shortText = (value: unknown): string =>
  typeof value === 'string' && value.length < TOO_LONG ? value.trim() : '';

function decimal(value: unknown): number | undefined {
  const text = shortText(value);
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}

const ifAhead = (wait: number): number | undefined =>
  wait > 0 ? Math.min(wait, LONGEST_WAIT_MS) : undefined;

/** The three forms of a date in HTTP (RFC 9110 §5.6.7). `Date.parse` alone finds a date in almost any text. */
const HTTP_DATE =
  /^([A-Z][a-z]+, \d\d[ -][A-Z][a-z]{2}[ -](\d{4}|\d\d) \d\d:\d\d:\d\d GMT|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})$/;

function httpDateMs(value: unknown): number | undefined {
  const text = shortText(value);
  if (!HTTP_DATE.test(text)) return undefined;
  // The form without a zone means GMT too.
  const date = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(date) ? undefined : date;
}
