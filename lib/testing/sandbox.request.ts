import type { IncomingHttpHeaders } from 'node:http';

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

/** A request as an {@link AssetSandbox} received it; `kind` tells the two apart. */
export type SandboxRequest = SandboxTokenRequest | SandboxApiRequest;

/** The two sides of the sandbox: its token endpoint, and everything else. */
export type SandboxRequestKind = SandboxRequest['kind'];

/** Picks requests, for example `(request) => request.path.startsWith('/v0/business')`. */
export type SandboxRequestFilter = (request: SandboxRequest) => boolean;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** The sandbox's own view of a record while it is still answering the request. */
export type OpenRequest = Writable<SandboxTokenRequest> | Writable<SandboxApiRequest>;
