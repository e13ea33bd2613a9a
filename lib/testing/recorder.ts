import type { IncomingHttpHeaders } from 'node:http';
import { clearTimeout, setTimeout } from 'node:timers';

const MOST_BODY_BYTES = 256 * 1024 * 1024;

/** A request as an {@link AssetSandbox} received it; `kind` tells the two apart. */
export type SandboxRequest = SandboxTokenRequest | SandboxApiRequest;

/** What an access token of an {@link AssetSandbox} stands for. Known for opaque tokens too, since the sandbox issued them. */
export interface SandboxTokenClaims {
  /** What was granted, in the order asked. */
  readonly scopes: readonly string[];
  /** The one business that the token is narrowed to, or `undefined` for the whole tenant. */
  readonly businessId: string | undefined;
  /** The `resource` values asked for (RFC 8707), or the sandbox's own URL. */
  readonly aud: readonly string[];
  /** Unique per token. */
  readonly jti: string;
  readonly clientId: string;
  /** On the sandbox's clock, in milliseconds since the epoch. */
  readonly issuedAt: number;
  /** The moment from which on the token is refused, in milliseconds since the epoch. */
  readonly expiresAt: number;
}

interface RecordedRequest {
  readonly method: string;
  /** The request target exactly as it came, with its query. */
  readonly path: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
  /** The raw bytes. Those of a token request hold the client secret. */
  readonly body: Buffer;
  /** When it had arrived in full: the sandbox's clock, in milliseconds since the epoch. */
  readonly at: number;
  /** The status answered with; `undefined` until the answer leaves, and for good after a hang, a reset or a client that left. */
  readonly status: number | undefined;
}

/** A request that has arrived in full and is not answered yet. */
export type ArrivedRequest = Omit<RecordedRequest, 'status'>;

/** A request to `/v0/auth/token`, as an {@link AssetSandbox} received it. */
export interface SandboxTokenRequest extends RecordedRequest {
  readonly kind: 'token';
  /** The form fields; one that came several times is a list. `client_secret` reads `[redacted]`. */
  readonly form: Readonly<Record<string, string | readonly string[]>>;
  /** Whether `client_secret` was the one in force on arrival. */
  readonly secretWasCorrect: boolean;
  /** Whether id and secret were both right. */
  readonly authorized: boolean;
  /** What the token issued in answer stands for, or `undefined` if none was. */
  readonly claims: SandboxTokenClaims | undefined;
}

/** Any other request, as an {@link AssetSandbox} received it. */
export interface SandboxApiRequest extends RecordedRequest {
  readonly kind: 'api';
  /** Whether it carried a token that was good for this call at that moment. */
  readonly authorized: boolean;
  /** What the token that came with it stands for, expired and revoked ones included; `undefined` for an unknown token or none. */
  readonly claims: SandboxTokenClaims | undefined;
}

/** The two sides of the sandbox: its token endpoint, and everything else. */
export type SandboxRequestKind = SandboxRequest['kind'];

/** Picks requests, for example `(request) => request.path.startsWith('/v0/business')`. */
export type SandboxRequestFilter = (request: SandboxRequest) => boolean;

/** A record while its request is still being answered. */
export type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** The sandbox's own view of a record while it is still answering the request. */
export type OpenRequest = Writable<SandboxTokenRequest> | Writable<SandboxApiRequest>;

/** How {@link AssetSandbox.waitForRequest} waits. */
export interface WaitForRequestOptions {
  /** Which matching request to wait for, counted from the start or the last `clearRequests()`. Default 1. */
  readonly count?: number;
  /** `'received'` (default) when it has arrived, `'answered'` when its answer leaves. */
  readonly until?: 'received' | 'answered';
  /** When to give up, in milliseconds of real time. Default 5 000. */
  readonly timeoutMs?: number;
}

interface Waiter {
  readonly matches: SandboxRequestFilter;
  readonly until: 'received' | 'answered';
  readonly finish: (request: SandboxRequest) => void;
  readonly fail: (error: Error) => void;
  missing: number;
}

/** Everything that an {@link AssetSandbox} received, oldest first, within bounds. */
export class SandboxRecorder {
  readonly #limit: number;
  readonly #waiters = new Set<Waiter>();
  #requests: SandboxRequest[] = [];
  #bodyBytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get requests(): readonly SandboxRequest[] {
    return this.#requests.slice();
  }

  received(request: SandboxRequest): void {
    this.#requests.push(request);
    this.#bodyBytes += request.body.length;
    while (this.#requests.length > this.#limit || this.#bodyBytes > MOST_BODY_BYTES) {
      this.#bodyBytes -= this.#requests.shift()?.body.length ?? 0;
    }
    this.#notify('received', request);
  }

  answered(request: SandboxRequest): void {
    this.#notify('answered', request);
  }

  clear(): void {
    this.#requests = [];
    this.#bodyBytes = 0;
  }

  async wait(matches: SandboxRequestFilter, options: WaitForRequestOptions): Promise<SandboxRequest> {
    const { count = 1, until = 'received', timeoutMs = 5_000 } = options;
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new RangeError(
        `AssetSandbox.waitForRequest: \`count\` must be a positive whole number, not ${String(count)}.`,
      );
    }
    if (!(timeoutMs >= 0 && timeoutMs < 2 ** 31)) {
      throw new RangeError(
        `AssetSandbox.waitForRequest: \`timeoutMs\` must be 0 to 2147483647, not ${String(timeoutMs)}.`,
      );
    }
    const there = this.#requests.filter(
      (one) => (until === 'received' || one.status !== undefined) && matches(one),
    );
    const found = there[count - 1];
    if (found !== undefined) {
      return found;
    }
    return await new Promise<SandboxRequest>((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        matches,
        until,
        missing: count - there.length,
        finish: (request) => {
          leave();
          resolve(request);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        waiter.fail(
          new Error(
            `AssetSandbox.waitForRequest: after ${timeoutMs} ms, ${count - waiter.missing} of ${count} matching requests ` +
              `had been ${until}. On record: ${this.#summary()}.`,
          ),
        );
      }, timeoutMs);
      this.#waiters.add(waiter);
    });
  }

  close(): void {
    for (const waiter of this.#waiters) {
      waiter.fail(new Error('AssetSandbox.waitForRequest: the sandbox was closed while waiting.'));
    }
  }

  #notify(event: 'received' | 'answered', request: SandboxRequest): void {
    for (const waiter of this.#waiters) {
      if (waiter.until === event) {
        this.#offer(waiter, request);
      }
    }
  }

  // A filter that throws is a mistake of the waiting test: it rejects the wait and leaves the client's answer alone.
  #offer(waiter: Waiter, request: SandboxRequest): void {
    try {
      if (waiter.matches(request) && --waiter.missing === 0) {
        waiter.finish(request);
      }
    } catch (error) {
      waiter.fail(error as Error);
    }
  }

  #summary(): string {
    const last = this.#requests.slice(-5).map(({ method, path, status }) => {
      return `${method} ${path.slice(0, 120)} (${status === undefined ? 'unanswered' : `status ${status}`})`;
    });
    const total = this.#requests.length;
    return total === 0 ? 'nothing' : `${total}, the last ones ${last.join(', ')}`;
  }
}
