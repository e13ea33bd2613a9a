import type { TokenEntry } from './cache-entry.js';

/** A business as a caller says it, which may not have been checked yet. */
export type SaidBusiness = string | null | undefined;

/** A map of no more is small enough itself. */
const MANY = 256;

/** So many that a hundred businesses seldom meet. */
const PLACES = 2048;

/**
 * A place for each business by the end of its id, where ids differ. Several may share one: what is too short for an id
 * adds up to `NaN`, of which `&` makes 0.
 */
function placeOf(business: string): number {
  const last = business.length - 1;
  const end =
    business.charCodeAt(last) +
    10 * business.charCodeAt(last - 1) +
    100 * business.charCodeAt(last - 2) +
    1000 * business.charCodeAt(last - 3);
  return 2 * (end & (PLACES - 1));
}

/**
 * The entries of one list of scopes, by business. A `Map` of thousands is spread over megabytes, and a search in it waits
 * for memory several times; so those that were found last lie beside each other, at most one at each place.
 */
export class BusinessEntries {
  readonly #all = new Map<SaidBusiness, TokenEntry>();
  /** By turns a business and its entry; none while there are not {@link MANY}. */
  #atHand: (SaidBusiness | TokenEntry)[] | undefined;

  get(business: SaidBusiness): TokenEntry | undefined {
    if (this.#atHand === undefined || typeof business !== 'string') return this.#all.get(business);
    const place = placeOf(business);
    if (this.#atHand[place] === business) return this.#atHand[place + 1] as TokenEntry;
    const entry = this.#all.get(business);
    if (entry !== undefined) {
      this.#atHand[place] = entry.request.businessId;
      this.#atHand[place + 1] = entry;
    }
    return entry;
  }

  /**
   * @param business - kept as the entry's request has it, which holds on to no longer text that it may be cut from
   * @returns whether the business was not known before
   */
  set(business: SaidBusiness, entry: TokenEntry): boolean {
    const before = this.#all.size;
    const isNamed = typeof business === 'string';
    this.#all.set(isNamed ? entry.request.businessId : business, entry);
    if (isNamed) this.#makeRoom(placeOf(business));
    return this.#all.size > before;
  }

  /** What lies at the place may be outdated. */
  #makeRoom(place: number): void {
    if (this.#atHand !== undefined) this.#atHand.fill(undefined, place, place + 2);
    else if (this.#all.size > MANY) this.#atHand = new Array<undefined>(2 * PLACES).fill(undefined);
  }
}
