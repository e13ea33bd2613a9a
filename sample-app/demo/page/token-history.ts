import { Injectable } from '@nestjs/common';
import { type AssetTokenSnapshot, AssetTokenService } from 'nestjs-asset-auth';

/** The life of one token. Moments are milliseconds since the epoch. */
export interface TokenSpan {
  readonly issuedAt: number;
  readonly refreshAt: number;
  readonly expiresAt: number;
}

/** What one key's tokens did lately. */
export interface TokenRow {
  readonly key: string;
  readonly scopes: readonly string[];
  readonly businessId: string | undefined;
  readonly resource: readonly string[];
  /** `'gone'`: not used, so not renewed, and no longer held. */
  readonly state: AssetTokenSnapshot['state'] | 'gone';
  readonly uses: number;
  readonly refreshing: boolean;
  readonly shared: boolean;
  readonly errorCode: string | undefined;
  /** Oldest first. */
  readonly spans: readonly TokenSpan[];
}

const MOST_SPANS = 40;

/** What tells tokens apart. */
export const keyOf = ({
  scopes,
  businessId,
  resource,
}: Pick<TokenRow, 'scopes' | 'businessId' | 'resource'>): string =>
  `${[...scopes].sort().join(' ')} @ ${businessId ?? ''} @ ${[...resource].sort().join(' ')}`;

/** The service tells of the present, so the page remembers what it has seen of it. */
@Injectable()
export class TokenHistory {
  readonly #rows = new Map<string, TokenRow>();

  constructor(private readonly tokens: AssetTokenService) {}

  /** @param since - what ended before then is forgotten */
  look(since: number): readonly TokenRow[] {
    for (const [key, row] of this.#rows) this.#rows.set(key, { ...row, state: 'gone', refreshing: false });
    for (const token of this.tokens.snapshot()) this.#note(token);
    for (const [key, row] of this.#rows) {
      const spans = row.spans.filter(({ expiresAt }) => expiresAt > since);
      if (row.state === 'gone' && spans.length === 0) this.#rows.delete(key);
      else this.#rows.set(key, { ...row, spans });
    }
    return [...this.#rows.values()];
  }

  #note(token: AssetTokenSnapshot): void {
    const { scopes = [], businessId, resource = [], state, uses, refreshing, shared, lastError } = token;
    const asked = { scopes, businessId, resource };
    const key = keyOf(asked);
    const known = this.#rows.get(key)?.spans ?? [];
    const span = spanOf(token);
    const isNew = span !== undefined && span.issuedAt !== known.at(-1)?.issuedAt;
    const spans = isNew ? [...known, span].slice(-MOST_SPANS) : known;
    const errorCode = lastError?.code;
    this.#rows.set(key, { key, ...asked, state, uses, refreshing, shared, errorCode, spans });
  }
}

function spanOf({ issuedAt, refreshAt, expiresAt }: AssetTokenSnapshot): TokenSpan | undefined {
  if (issuedAt === undefined || refreshAt === undefined || expiresAt === undefined) return undefined;
  return { issuedAt: issuedAt.getTime(), refreshAt: refreshAt.getTime(), expiresAt: expiresAt.getTime() };
}
