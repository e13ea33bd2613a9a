// What the library tells of itself, for metrics, traces and alerts: the events, and how to listen to one.
import { type Channel, channel } from 'node:diagnostics_channel';
import type { AssetAuthErrorLike } from '../config/asset-auth.errors.js';
import type { AccessTokenGrant } from '../token/token-request.js';

/** The client that an event is about: one object for each client of an application, so that identity tells them apart. */
export interface AssetEventClient {
  /** `undefined` for the default one. */
  readonly name: string | undefined;
  /** Scheme, host and port of Asset. */
  readonly origin: string;
}

/** What all events have in common. None holds a secret or a token. */
export interface AssetAuthEvent {
  readonly client: AssetEventClient;
}

/**
 * Why a token is asked for: a caller waits for it (`'caller'`), the present one is due (`'refresh'`), the API rejected it
 * (`'rejected'`), `startup` wants it (`'warm'`), or the endpoint is in trouble and this one request tries it (`'probe'`).
 */
export type AssetTokenRequestReason = 'caller' | 'refresh' | 'rejected' | 'warm' | 'probe';

/** A request for a token has begun, in the async context of the one who began it. Any number of callers may wait on it. */
export interface AssetTokenPendingEvent extends AssetAuthEvent, AccessTokenGrant {
  readonly reason: AssetTokenRequestReason;
}

/** A caller begins to wait for a token, in its own async context. What is served from memory causes no event. */
export interface AssetTokenWaitingEvent extends AssetAuthEvent {
  readonly pending: AssetTokenPendingEvent;
}

/** A caller waits no more. */
export interface AssetTokenWaitedEvent extends AssetAuthEvent {
  /** The event by which it began. */
  readonly waiting: AssetTokenWaitingEvent;
  readonly durationMs: number;
  /** What the caller was told; `undefined`: it has a token, or it left by itself. */
  readonly error: AssetAuthErrorLike | undefined;
  readonly hasLeft: boolean;
}

/** A request is sent to the token endpoint, in nobody's async context. */
export interface AssetTokenRequestEvent extends AssetAuthEvent {
  readonly pending: AssetTokenPendingEvent;
  readonly reason: AssetTokenRequestReason;
  /**
   * Counts from 1, and anew after the machine slept or the request gave its slot to another key. Where the secret has changed,
   * the same number comes twice.
   */
  readonly attempt: number;
  /** Begins the sending. A subscriber may put its own around it, such as the context of a span; it sees nothing of the answer. */
  around: (send: () => void) => void;
}

/** A request to the token endpoint has ended. */
export interface AssetTokenResponseEvent extends AssetAuthEvent {
  /** The event by which it began. */
  readonly request: AssetTokenRequestEvent;
  readonly durationMs: number;
  /** HTTP status, if there was an answer. */
  readonly status: number | undefined;
  /** The id of the answer (`x-request-id` and the like), if it has one. */
  readonly requestId: string | undefined;
  /** `undefined`: it brought a token. */
  readonly error: AssetAuthErrorLike | undefined;
}

/** A token is in the cache. */
export interface AssetTokenArrivedEvent extends AssetAuthEvent, AccessTokenGrant {
  readonly expiresAt: Date;
  /** Whether the key had a token before. */
  readonly isRenewal: boolean;
  /** Whether another process fetched it, and it was found in the store. */
  readonly isShared: boolean;
  /** In words, how what was granted differs from what was asked for. */
  readonly difference: string | undefined;
}

/** A request for a token was given up, and the endpoint is not to blame. */
export interface AssetTokenFailedEvent extends AssetAuthEvent, AccessTokenGrant {
  readonly error: AssetAuthErrorLike;
  /** Whether the present token goes on serving. */
  readonly isServing: boolean;
}

/** A caller is refused a token without a request. */
export interface AssetTokenRefusedEvent extends AssetErrorEvent, AccessTokenGrant {}

/** What the library did with the store that processes share. */
export interface AssetStoreOperationEvent extends AssetAuthEvent {
  readonly operation: 'get' | 'add' | 'set' | 'delete';
  /** `'failed'`: it threw, or was given up after its time. */
  readonly outcome: 'ok' | 'failed';
  readonly durationMs: number;
}

/** An API call is sent again: with another token, after a wait, or over another connection. */
export interface AssetCallReplayedEvent extends AssetAuthEvent {
  readonly reason: 'unauthorized' | 'rate_limited' | 'stale_socket';
  readonly method: string;
  readonly scopes: AccessTokenGrant['scopes'];
  readonly businessId: string | undefined;
}

/** An event that tells of an error. */
export interface AssetErrorEvent extends AssetAuthEvent {
  readonly error: AssetAuthErrorLike;
}

/** The events by name. The channel of each, for `node:diagnostics_channel`, is `nestjs-asset-auth:<name>`. */
export interface AssetAuthEvents {
  /** At boot, before any token is fetched. */
  'client.started': AssetAuthEvent & { readonly environment: string; readonly clientId: string };
  /** With the application, also where its start fails. */
  'client.closed': AssetAuthEvent;
  /** The option `startup` wants a token that could not be had, and the application starts without. */
  'startup.failed': AssetErrorEvent;
  /** A request for a token begins. */
  'token.pending': AssetTokenPendingEvent;
  /** A caller begins to wait for it. */
  'token.waiting': AssetTokenWaitingEvent;
  /** A caller waits no more. */
  'token.waited': AssetTokenWaitedEvent;
  /** A caller is told at once that no token can be had, since an earlier request failed and it is too early to ask again. */
  'token.refused': AssetTokenRefusedEvent;
  /** A request is sent to the token endpoint. */
  'token.request': AssetTokenRequestEvent;
  /** It has ended. */
  'token.response': AssetTokenResponseEvent;
  /** A token is in the cache. */
  'token.arrived': AssetTokenArrivedEvent;
  /** A request for a token was given up. */
  'token.failed': AssetTokenFailedEvent;
  /** Token requests pause; once for each kind of trouble, and once more if it turns out to be everybody's. */
  'circuit.opened': AssetErrorEvent & {
    /** Whether it holds for keys that had a token too, and not for new ones alone. */
    readonly isEverybodys: boolean;
  };
  /** They succeed again. */
  'circuit.closed': AssetAuthEvent;
  /** One operation on the store that processes share. */
  'store.operation': AssetStoreOperationEvent;
  /** It is out of use, with the reason in words. */
  'store.lost': AssetAuthEvent & { readonly reason: string };
  /** It is in use again. */
  'store.regained': AssetAuthEvent;
  /** It holds a record that this process cannot open; once. */
  'store.unreadable': AssetAuthEvent;
  /** An API call is sent again. */
  'call.replayed': AssetCallReplayedEvent;
  /** An API call, or the redirect that it was answered with, was not sent, since it may not be. */
  'call.refused': AssetErrorEvent;
}

/**
 * Kept for as long as the library is loaded: Node collects a channel that only its name leads to, and may later drop the one
 * that took its place, with its subscribers (nodejs/node#59910).
 */
export const CHANNELS: Readonly<Record<keyof AssetAuthEvents, Channel>> = {
  'client.started': channel('nestjs-asset-auth:client.started'),
  'client.closed': channel('nestjs-asset-auth:client.closed'),
  'startup.failed': channel('nestjs-asset-auth:startup.failed'),
  'token.pending': channel('nestjs-asset-auth:token.pending'),
  'token.waiting': channel('nestjs-asset-auth:token.waiting'),
  'token.waited': channel('nestjs-asset-auth:token.waited'),
  'token.refused': channel('nestjs-asset-auth:token.refused'),
  'token.request': channel('nestjs-asset-auth:token.request'),
  'token.response': channel('nestjs-asset-auth:token.response'),
  'token.arrived': channel('nestjs-asset-auth:token.arrived'),
  'token.failed': channel('nestjs-asset-auth:token.failed'),
  'circuit.opened': channel('nestjs-asset-auth:circuit.opened'),
  'circuit.closed': channel('nestjs-asset-auth:circuit.closed'),
  'store.operation': channel('nestjs-asset-auth:store.operation'),
  'store.lost': channel('nestjs-asset-auth:store.lost'),
  'store.regained': channel('nestjs-asset-auth:store.regained'),
  'store.unreadable': channel('nestjs-asset-auth:store.unreadable'),
  'call.replayed': channel('nestjs-asset-auth:call.replayed'),
  'call.refused': channel('nestjs-asset-auth:call.refused'),
};

/**
 * Listens to an event of all clients of this process, whichever copy of the package they are of. A listener is called
 * at once and must not throw: Node makes an uncaught exception of it.
 *
 * @returns a function that ends it
 *
 * @example
 * ```ts
 * const end = onAssetAuthEvent('circuit.opened', ({ client, error }) => {
 *   pager.alert(`${client.name ?? 'default'}: ${error.code}`);
 * });
 * ```
 */
export function onAssetAuthEvent<Name extends keyof AssetAuthEvents>(
  name: Name,
  listener: (event: AssetAuthEvents[Name]) => void,
): () => void {
  const listen = (event: unknown): void => {
    listener(event as AssetAuthEvents[Name]);
  };
  // By its name, which is the way that is not deprecated, another channel may be found.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  CHANNELS[name].subscribe(listen);
  return () => {
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    CHANNELS[name].unsubscribe(listen);
  };
}
