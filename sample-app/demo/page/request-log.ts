import { Injectable } from '@nestjs/common';
import { AssetSandbox, type SandboxApiRequest, type SandboxTokenRequest } from 'nestjs-asset-auth/testing';
import { keyOf } from './token-history.js';

/** A request, as the page shows it: what it was for, and nothing that proves it. */
export interface ShownRequest {
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly scopes: readonly string[];
  readonly businessId: string | undefined;
  /** `undefined`: not answered yet, or never. */
  readonly status: number | undefined;
}

/** The requests of one kind. */
export interface ShownRequests {
  /** How many arrived. */
  readonly total: number;
  /** The latest, newest first. */
  readonly latest: readonly ShownRequest[];
}

/** A token request on the time line. */
export interface TokenMark {
  readonly at: number;
  readonly status: number | undefined;
}

const MOST_SHOWN = 12;
const MOST_KEPT = 500;

/** What arrived at the sandbox. */
@Injectable()
export class RequestLog {
  readonly #token = new Kept<SandboxTokenRequest>();
  readonly #api = new Kept<SandboxApiRequest>();

  constructor(private readonly sandbox: AssetSandbox) {}

  /** Takes the records out of the sandbox. It goes on filling in the status of those that it has not answered yet. */
  look(): void {
    for (const request of this.sandbox.requests) {
      if (request.kind === 'token') this.#token.add(request);
      else this.#api.add(request);
    }
    this.sandbox.clearRequests();
  }

  get tokenRequests(): ShownRequests {
    return this.#token.shown(scopesAsked, ({ form }) => textOf(form.business_id));
  }

  get apiRequests(): ShownRequests {
    return this.#api.shown(
      ({ claims }) => claims?.scopes ?? [],
      ({ claims }) => claims?.businessId,
    );
  }

  /** The requests for this token since then, oldest first. */
  marksOf(key: string, since: number): readonly TokenMark[] {
    return this.#token.requests
      .filter((request) => request.at > since && keyAsked(request) === key)
      .map(({ at, status }) => ({ at, status }));
  }
}

type AnyRequest = SandboxTokenRequest | SandboxApiRequest;

/** The latest requests of one kind, and how many there were before. */
class Kept<T extends AnyRequest> {
  readonly requests: T[] = [];
  #forgotten = 0;

  add(request: T): void {
    this.requests.push(request);
    if (this.requests.length <= MOST_KEPT) return;
    this.requests.shift();
    this.#forgotten += 1;
  }

  shown(
    scopesOf: (request: T) => readonly string[],
    businessOf: (request: T) => string | undefined,
  ): ShownRequests {
    const total = this.#forgotten + this.requests.length;
    const latest = this.requests
      .slice(-MOST_SHOWN)
      .reverse()
      .map((request, index) => ({
        id: total - index,
        at: request.at,
        method: request.method,
        path: request.path,
        scopes: scopesOf(request),
        businessId: businessOf(request),
        status: request.status,
      }));
    return { total, latest };
  }
}

const textOf = (field: string | readonly string[] | undefined): string | undefined =>
  typeof field === 'string' ? field : undefined;

const keyAsked = (request: SandboxTokenRequest): string => {
  const { business_id: businessId, resource = [] } = request.form;
  return keyOf({
    scopes: scopesAsked(request),
    businessId: textOf(businessId),
    resource: [resource].flat(),
  });
};

const scopesAsked = ({ form }: SandboxTokenRequest): readonly string[] =>
  textOf(form.scope)?.split(' ') ?? [];
