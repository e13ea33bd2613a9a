import { Injectable } from '@nestjs/common';
import { AssetTokenService } from 'nestjs-asset-auth';
import { AssetSandbox } from 'nestjs-asset-auth/testing';

/** What the buttons of the page do. */
export const ACTIONS = [
  'renew',
  'revoke',
  'token-503',
  'token-hang',
  'forbid-business',
  'rotate-secret',
  'mend',
] as const;

export type Action = (typeof ACTIONS)[number];

/** What was done, for the time line. */
export interface Done {
  readonly action: Action;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

const MOST_DONE = 50;
const RETRY_AFTER_SECONDS = 2;

/** Breaks the sandbox, and mends it. */
@Injectable()
export class Breakages {
  readonly #firstSecret: string;
  /** What goes on until it is mended, and what mends it. */
  readonly #inForce = new Map<Action, () => void>();
  readonly #done: Done[] = [];

  constructor(
    private readonly sandbox: AssetSandbox,
    private readonly tokens: AssetTokenService,
  ) {
    this.#firstSecret = sandbox.clientSecret;
  }

  get inForce(): readonly Action[] {
    return [...this.#inForce.keys()];
  }

  get done(): readonly Done[] {
    return this.#done;
  }

  /** The business that `forbid-business` is about. */
  get forbiddable(): { readonly id: string; readonly name: string } | undefined {
    return this.sandbox.businesses[1];
  }

  /** What is in force already is mended by the same button. */
  act(action: Action): void {
    const mend = this.#inForce.get(action);
    this.#note(mend === undefined ? action : 'mend');
    if (mend === undefined) {
      const end = this.#begin(action);
      if (end !== undefined) this.#inForce.set(action, end);
    } else {
      mend();
      this.#inForce.delete(action);
    }
  }

  #note(action: Action): void {
    this.#done.push({ action, at: Date.now() });
    if (this.#done.length > MOST_DONE) this.#done.shift();
  }

  /** @returns what ends it, if it goes on */
  #begin(action: Action): (() => void) | undefined {
    switch (action) {
      case 'renew':
        this.#renewAll();
        return undefined;
      case 'revoke':
        this.sandbox.revokeTokens();
        return undefined;
      case 'token-503': {
        const fault = { status: 503, retryAfter: RETRY_AFTER_SECONDS };
        const scripted = this.sandbox.fail('token', fault, Infinity);
        return () => {
          scripted.cancel();
        };
      }
      case 'token-hang': {
        // Not a fault: requests that hang by one go on hanging when it is mended.
        const hold = this.sandbox.hold('token');
        return () => {
          hold.release();
        };
      }
      case 'forbid-business':
        return this.#forbid(this.forbiddable?.id ?? '');
      case 'rotate-secret':
        this.sandbox.rotateSecret();
        return undefined;
      case 'mend':
        this.#mendAll();
        return undefined;
    }
  }

  /** Both sides refuse it, as after a customer has withdrawn the consent. */
  #forbid(businessId: string): () => void {
    const about = `/v0/business/${businessId}/`;
    const scripted = [
      this.sandbox.fail(
        'token',
        { status: 403 },
        {
          times: Infinity,
          when: (request) => request.kind === 'token' && request.form.business_id === businessId,
        },
      ),
      this.sandbox.fail(
        'api',
        { status: 403 },
        { times: Infinity, when: ({ path }) => path.startsWith(about) },
      ),
    ];
    return () => {
      for (const fault of scripted) fault.cancel();
    };
  }

  /** Does at once what would be done in the last part of each token's life. */
  #renewAll(): void {
    for (const { scopes, businessId = null, resource } of this.tokens.snapshot()) {
      // What fails is told in the token's row.
      this.tokens.getAccessToken({ scopes, businessId, resource }, { forceRefresh: true }).catch(() => {});
    }
  }

  #mendAll(): void {
    for (const mend of this.#inForce.values()) mend();
    this.#inForce.clear();
    // Other applications that share this sandbox know no other secret.
    if (this.sandbox.clientSecret !== this.#firstSecret) this.sandbox.rotateSecret(this.#firstSecret);
  }
}
