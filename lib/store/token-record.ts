/** A token as it leaves the process that fetched it. */
export interface PublishedToken {
  readonly value: string;
  /** Made at random for each token that is fetched, so that the same token handed out again is another generation. */
  readonly generation: string;
  /** The whole life, in milliseconds. */
  readonly lifeMs: number;
  /** How long its request took, in milliseconds: others plan their refresh by it. */
  readonly requestMs: number;
  /** How it differs from what was asked for, in words. */
  readonly difference: string | undefined;
}

/** A token as another process finds it. */
export interface SharedToken extends PublishedToken {
  /** Milliseconds that it has left at most, counted from before it was read. */
  readonly remainingMs: number;
}

/**
 * How much earlier than the token its record expires: a write may take so long to be carried out, and the store's clock
 * starts only then.
 */
export const marginMs = (lifeMs: number): number => Math.min(1000, lifeMs / 20);

/** As text, to be sealed. Short names: it is stored and sent. */
export const recordOf = (token: PublishedToken): string =>
  JSON.stringify({
    t: token.value,
    g: token.generation,
    l: token.lifeMs,
    r: token.requestMs,
    d: token.difference,
  });

/** RFC 6749 §A.12, without the space, which would end the token in a header. */
const TOKEN = /^[\x21-\x7E]{1,16384}$/;
const GENERATION = /^[\w-]{1,64}$/;
/** Ten years. */
const LONGEST_LIFE_MS = 315_360_000_000;

/**
 * The token of a record, checked, although it was sealed: another version may have written it. What is not known is ignored.
 * Its life is counted without the margin, since the time left is too.
 *
 * @param remainingMs - the time left, as the store says
 * @returns `undefined` if it is none, or has more time left than it ever had
 */
export function tokenOf(record: string, remainingMs: number): SharedToken | undefined {
  const { t, g, l, r, d } = membersOf(record);
  if (typeof t !== 'string' || !TOKEN.test(t) || typeof g !== 'string' || !GENERATION.test(g))
    return undefined;
  if (!isSpan(l) || !isSpan(r) || (d !== undefined && typeof d !== 'string')) return undefined;
  const lifeMs = l - marginMs(l);
  if (!(remainingMs > 0 && remainingMs <= lifeMs)) return undefined;
  return { value: t, generation: g, lifeMs, requestMs: r, difference: d, remainingMs };
}

const isSpan = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= LONGEST_LIFE_MS;

/** Without a prototype: what is left on `Object.prototype` is no member. */
function membersOf(json: string): Readonly<Record<string, unknown>> {
  try {
    return Object.assign(Object.create(null) as Record<string, unknown>, JSON.parse(json) as unknown);
  } catch {
    return {};
  }
}
