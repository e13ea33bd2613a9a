import { Injectable } from '@nestjs/common';
import { AssetAuthConfig, type AssetTokenHealth, AssetTokenService } from 'nestjs-asset-auth';
import { AssetSandbox } from 'nestjs-asset-auth/testing';
import { distinctUntilChanged, map, type Observable, timer } from 'rxjs';
import { type Action, Breakages, type Done } from './breakages.js';
import { RequestLog, type ShownRequests, type TokenMark } from './request-log.js';
import { TokenHistory, type TokenRow } from './token-history.js';

/** All that the page shows. It has no token and no secret in it. */
interface Shown {
  readonly health: AssetTokenHealth;
  /** How much of the past the time line shows, and how much of the future, in milliseconds. */
  readonly timeline: { readonly behindMs: number; readonly aheadMs: number };
  readonly tokens: readonly (TokenRow & { readonly marks: readonly TokenMark[] })[];
  readonly tokenRequests: ShownRequests;
  readonly apiRequests: ShownRequests;
  readonly inForce: readonly Action[];
  readonly done: readonly Done[];
  /** Names by id. */
  readonly businesses: Readonly<Record<string, string>>;
  readonly forbiddable: string | undefined;
  /** The routes of the sample that the page calls. */
  readonly calls: readonly string[];
}

const EVERY_MS = 400;
const SHORTEST_LIFE_MS = 10_000;
const LONGEST_LIFE_MS = 120_000;

/** What the page shows, as it changes. */
@Injectable()
export class PageState {
  constructor(
    private readonly config: AssetAuthConfig,
    private readonly tokens: AssetTokenService,
    private readonly sandbox: AssetSandbox,
    private readonly breakages: Breakages,
    private readonly requests: RequestLog,
    private readonly history: TokenHistory,
  ) {}

  /** As JSON, first at once. */
  changes(): Observable<string> {
    return timer(0, EVERY_MS).pipe(
      map(() => JSON.stringify(this.#shown())),
      distinctUntilChanged(),
    );
  }

  #shown(): Shown {
    this.requests.look();
    const { businesses } = this.sandbox;
    const timeline = this.#timeline();
    const since = Date.now() - timeline.behindMs;
    const rows = this.history.look(since);
    return {
      health: this.tokens.health(),
      timeline,
      tokens: rows.map((row) => ({ ...row, marks: this.requests.marksOf(row.key, since) })),
      tokenRequests: this.requests.tokenRequests,
      apiRequests: this.requests.apiRequests,
      inForce: this.breakages.inForce,
      done: this.breakages.done.filter(({ at }) => at > since),
      businesses: Object.fromEntries(businesses.map(({ id, name }) => [id, name])),
      forbiddable: this.breakages.forbiddable?.name,
      calls: callsOf(businesses.map(({ id }) => id)),
    };
  }

  /** Room for a token's whole life ahead, and for two renewals behind. */
  #timeline(): Shown['timeline'] {
    const lifeMs = Math.min(Math.max(this.config.tokenTtlSeconds * 1000, SHORTEST_LIFE_MS), LONGEST_LIFE_MS);
    return { behindMs: 1.5 * lifeMs, aheadMs: 1.1 * lifeMs };
  }
}

/** Four, since a browser has six connections, and the buttons and the events need theirs. */
const callsOf = ([first = '', second = '', third = '']: readonly string[]): readonly string[] => [
  '/businesses',
  `/businesses/${first}/ledgers`,
  `/businesses/${second}/ledgers`,
  `/businesses/${third}/reports/aged-payables`,
];
