import {
  type Attributes,
  context,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { VERSION } from '../config/user-agent.js';
import type {
  AssetTokenPendingEvent,
  AssetTokenRequestEvent,
  AssetTokenWaitingEvent,
} from '../events/asset-auth.events.js';
import { type Listen, named } from './token-metrics.js';

/** Most links of one span: what SDKs keep by default. */
const MOST_LINKS = 128;

/** What is known of one request for a token, while it is under way. */
interface Known {
  /** Where it was begun. */
  readonly beginner: SpanContext | undefined;
  readonly waits: Set<Span>;
  /** The latest request to the endpoint. */
  sent: SpanContext | undefined;
}

/**
 * The spans. `asset_auth.token.acquire` is in the trace of the caller, only where it waits: otherwise there would be a hole.
 * `asset_auth.token.request` belongs to no caller, so it is a root of its own and linked with all that wait on it, from
 * its creation on, since samplers see no other links. The HTTP client's own span hangs below it.
 */
export class TokenSpans {
  readonly #tracer: Tracer = trace.getTracer('nestjs-asset-auth', VERSION);
  readonly #known = new WeakMap<AssetTokenPendingEvent, Known>();
  readonly #open = new Map<AssetTokenWaitingEvent | AssetTokenRequestEvent, Span>();

  /** @param tellsBusiness - whether spans name the business */
  constructor(
    listen: Listen,
    private readonly tellsBusiness: boolean,
  ) {
    listen('token.pending', (pending) => {
      this.#knownOf(pending);
    });
    listen('token.waiting', (waiting) => {
      this.#waits(waiting);
    });
    listen('token.waited', ({ waiting, error, hasLeft }) => {
      if (hasLeft) this.#open.get(waiting)?.setAttribute('error.type', 'left');
      const span = this.#end(waiting, error?.code);
      if (span !== undefined) this.#known.get(waiting.pending)?.waits.delete(span);
    });
    listen('token.request', (request) => {
      this.#sends(request);
    });
    listen('token.response', ({ request, status, requestId, error }) => {
      this.#open.get(request)?.setAttributes({
        ...(status !== undefined && { 'http.response.status_code': status }),
        ...(requestId !== undefined && { 'asset_auth.request_id': requestId }),
      });
      this.#end(request, error?.code);
    });
  }

  /** Ends what is open, or it would never be exported. */
  close(): void {
    for (const span of this.#open.values()) span.end();
    this.#open.clear();
  }

  /** Called first in the context in which the request was begun. */
  #knownOf(pending: AssetTokenPendingEvent): Known {
    let known = this.#known.get(pending);
    if (known === undefined) {
      known = { beginner: trace.getSpanContext(context.active()), waits: new Set(), sent: undefined };
      this.#known.set(pending, known);
    }
    return known;
  }

  #waits(waiting: AssetTokenWaitingEvent): void {
    const known = this.#knownOf(waiting.pending);
    const links = known.sent === undefined ? [] : [{ context: known.sent }];
    const attributes = this.#attributesOf(waiting.pending);
    const span = this.#tracer.startSpan('asset_auth.token.acquire', {
      kind: SpanKind.INTERNAL,
      attributes,
      links,
    });
    known.waits.add(span);
    this.#open.set(waiting, span);
  }

  #sends(request: AssetTokenRequestEvent): void {
    const known = this.#knownOf(request.pending);
    const span = this.#tracer.startSpan(
      'asset_auth.token.request',
      {
        root: true,
        kind: SpanKind.INTERNAL,
        links: linksOf(known),
        attributes: {
          ...this.#attributesOf(request.pending),
          'asset_auth.token.request.reason': request.reason,
          'asset_auth.token.request.attempt': request.attempt,
        },
      },
      ROOT_CONTEXT,
    );
    this.#open.set(request, span);
    known.sent = span.spanContext();
    for (const wait of known.waits) wait.addLink({ context: known.sent });
    const { around } = request;
    const active = trace.setSpan(ROOT_CONTEXT, span);
    request.around = (send) => {
      context.with(active, around, undefined, send);
    };
  }

  #end(event: AssetTokenWaitingEvent | AssetTokenRequestEvent, code: string | undefined): Span | undefined {
    const span = this.#open.get(event);
    this.#open.delete(event);
    if (code !== undefined) {
      // Not the message, which names the business.
      span?.setStatus({ code: SpanStatusCode.ERROR, message: code }).setAttribute('error.type', code);
    }
    span?.end();
    return span;
  }

  #attributesOf({ client, scopes, businessId, resource }: AssetTokenPendingEvent): Attributes {
    return {
      ...named(client),
      'server.address': new URL(client.origin).hostname,
      ...(scopes !== undefined && { 'asset_auth.scopes': [...scopes] }),
      ...(resource !== undefined && { 'asset_auth.resource': [...resource] }),
      ...(this.tellsBusiness && businessId !== undefined && { 'asset_auth.business_id': businessId }),
    };
  }
}

/** To those who wait; where nobody does, to the one who woke it by using a token that was due. */
function linksOf({ beginner, waits }: Known): Link[] {
  const contexts = [...waits].slice(0, MOST_LINKS).map((wait) => wait.spanContext());
  const linked = contexts.length === 0 && beginner !== undefined ? [beginner] : contexts;
  // Where tracing is suppressed, a span has none.
  return linked.filter(isSpanContextValid).map((spanContext) => ({ context: spanContext }));
}
