// The scopes that Asset documents, and which of them was probably meant.

/** More exist than are documented, so nothing is refused for not being among them. */
const DOCUMENTED_SCOPES = [
  'business:create',
  'ledger:create',
  'ledger:read',
  'ledger:update',
  'journal_entry:create',
  'transaction:update',
  'invoice:create',
  'invoice:update',
  'bill:create',
  'bill:update',
  'credit_memo:create',
  'vendor_credit:create',
  'request:read',
  'request:create',
  'report:read',
] as const;

/** A scope that Asset documents. */
export type DocumentedScope = (typeof DOCUMENTED_SCOPES)[number];

/** As many slips as a typing error has; the actions `create`, `read` and `update` are further apart than that. */
const SLIPS = 2;

/**
 * The documented scope that is written almost like this one, such as `ledger:read` for `ledgers:read`, `Ledger:Read`,
 * `ledger.read` or `read:ledger`; `undefined` if it is documented itself or like none.
 */
export function documentedScopeLike(scope: string): DocumentedScope | undefined {
  if (DOCUMENTED_SCOPES.some((documented) => documented === scope)) return undefined;
  // The longest scope that could be one has a few characters more.
  if (scope.length > 30) return undefined;
  const plain = plainly(scope);
  const turned = plain.split(':').reverse().join(':');
  const slips = (documented: string): number =>
    Math.min(distance(plain, plainly(documented)), distance(turned, plainly(documented)));
  const [nearest] = [...DOCUMENTED_SCOPES].sort((a, b) => slips(a) - slips(b));
  return nearest !== undefined && slips(nearest) <= SLIPS ? nearest : undefined;
}

/** Without what people get wrong between words. */
const plainly = (scope: string): string => scope.toLowerCase().replace(/[.:/]/g, ':').replace(/[_-]/g, '');

/** Levenshtein: how many characters are to be added, removed or replaced. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 0; i < from.length; i += 1) {
    const next = [i + 1];
    for (let j = 1; j <= to.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (from[i] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
