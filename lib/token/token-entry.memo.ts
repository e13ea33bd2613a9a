import type { AssetScopes } from '../config/scope-set.js';
import { BusinessEntries } from './business-entries.js';
import type { AssetTokenRequest } from './request/token-request.resolver.js';
import type { TokenEntry } from './token-entry.js';

/** One step of a list of scopes, in the order in which it was said. */
class Step {
  readonly next = new Map<unknown, Step>();
  readonly byBusiness = new BusinessEntries();
}

/**
 * Leads from what a caller says straight to the entry, so that the request path neither sorts nor joins. Nested maps
 * rather than one concatenated key: values that were not yet checked cannot collide (`['a:b\nbiz_1']` is not `a:b` plus
 * `biz_1`), and it is faster.
 */
export class TokenEntryMemo {
  /** Of entries and steps together: a list may be of any length. */
  readonly #limit: number;
  #undeclared = new Step();
  #none = new Step();
  #listed = new Step();
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  find(said: AssetTokenRequest): TokenEntry | undefined {
    // Rare enough to be resolved each time.
    if (said.resource !== undefined) return undefined;
    return this.#walk(said.scopes)?.byBusiness.get(said.businessId);
  }

  /** To be called with what was resolved, and so checked, only. */
  remember(said: AssetTokenRequest, entry: TokenEntry): void {
    if (said.resource !== undefined) return;
    if (this.#size >= this.#limit) this.#forget();
    if (this.#grow(said.scopes).byBusiness.set(said.businessId, entry)) this.#size += 1;
  }

  #walk(scopes: AssetScopes | null | undefined): Step | undefined {
    if (scopes === undefined) return this.#undeclared;
    if (scopes === null) return this.#none;
    if (!Array.isArray(scopes)) return this.#listed.next.get(scopes);
    let step: Step | undefined = this.#listed;
    for (let i = 0; i < scopes.length && step !== undefined; i += 1) step = step.next.get(scopes[i]);
    return step;
  }

  #grow(scopes: AssetScopes | null | undefined): Step {
    if (scopes === undefined) return this.#undeclared;
    if (scopes === null) return this.#none;
    let step = this.#listed;
    for (const scope of typeof scopes === 'string' ? [scopes] : scopes) {
      let next = step.next.get(scope);
      if (next === undefined) {
        step.next.set(scope, (next = new Step()));
        this.#size += 1;
      }
      step = next;
    }
    return step;
  }

  #forget(): void {
    this.#undeclared = new Step();
    this.#none = new Step();
    this.#listed = new Step();
    this.#size = 0;
  }
}
