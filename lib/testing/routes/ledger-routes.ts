import { HttpProblem, invalid, jsonAnswer, paginate } from '../answer.js';
import {
  businessRoute,
  isJsonObject,
  type JsonObject,
  readJsonObject,
  readName,
  type Route,
  type RouteCall,
} from '../router.js';
import { type BusinessRecord, type Ledger, newId } from '../state.js';

const LEDGER_TYPES = ['asset', 'liability', 'equity', 'revenue', 'expense'];

/** Ledgers of a business, with the fields and scopes of the Asset API reference. */
export const LEDGER_ROUTES: readonly Route[] = [
  businessRoute('GET', '/ledger', 'ledger:read', ({ query }, { ledgers }) =>
    paginate([...ledgers.values()], query),
  ),
  businessRoute('POST', '/ledger', 'ledger:create', (call, { ledgers }) => {
    const { name, type, subtype = null, description = null } = readLedger(readJsonObject(call));
    if (name === undefined || type === undefined) {
      throw invalid('name and type are required.');
    }
    const ledger: Ledger = { id: newId('ldg'), name, type, subtype, description };
    ledgers.set(ledger.id, ledger);
    return jsonAnswer(201, { data: ledger });
  }),
  businessRoute('GET', '/ledger/:ledgerId', 'ledger:read', (call, business) => {
    return jsonAnswer(200, { data: findLedger(call, business) });
  }),
  businessRoute('PATCH', '/ledger/:ledgerId', 'ledger:update', (call, business) => {
    const ledger: Ledger = { ...findLedger(call, business), ...readLedger(readJsonObject(call)) };
    business.ledgers.set(ledger.id, ledger);
    return jsonAnswer(200, { data: ledger });
  }),
];

/**
 * Journal entries. Asset documents the path, the scope and that money is decimal dollars, as numbers or strings. The
 * body's fields are assumed: `lines`, at least two, each with a `ledger_id` of the business and either `debit` or
 * `credit`, the two sides adding up to the same; other fields are echoed.
 */
export const JOURNAL_ENTRY_ROUTES: readonly Route[] = [
  businessRoute('POST', '/journal-entries', 'journal_entry:create', (call, business) => {
    const body = readJsonObject(call);
    const { lines } = body;
    if (!Array.isArray(lines) || lines.length < 2) {
      throw invalid('lines must be a list of at least two.');
    }
    const balance = lines.reduce<bigint>((sum, line) => sum + readLine(line, business), 0n);
    if (balance !== 0n) {
      throw invalid('Debits and credits must add up to the same amount.');
    }
    return jsonAnswer(201, { data: { ...body, id: newId('je') } });
  }),
];

function findLedger({ params }: RouteCall, { ledgers }: BusinessRecord): Ledger {
  const ledger = ledgers.get(params.ledgerId ?? '');
  if (ledger === undefined) {
    throw new HttpProblem(404, 'not_found', 'There is no such ledger in this business.');
  }
  return ledger;
}

/** The fields that the body names, each checked; those it does not name are absent from the result. */
function readLedger({ name, type, subtype, description }: JsonObject): Partial<Omit<Ledger, 'id'>> {
  const named = name === undefined ? {} : { name: readName(name) };
  if (type !== undefined && (typeof type !== 'string' || !LEDGER_TYPES.includes(type))) {
    throw invalid(`type must be one of ${LEDGER_TYPES.join(', ')}.`);
  }
  // Of the subtypes, only current_asset is documented, so anything of that form passes.
  if (
    subtype !== undefined &&
    subtype !== null &&
    (typeof subtype !== 'string' || !/^[a-z]+(_[a-z]+)*$/.test(subtype))
  ) {
    throw invalid('subtype must be in snake_case, such as current_asset, or null.');
  }
  if (description !== undefined && description !== null && typeof description !== 'string') {
    throw invalid('description must be a string or null.');
  }
  return {
    ...named,
    ...(type === undefined ? {} : { type }),
    ...(subtype === undefined ? {} : { subtype }),
    ...(description === undefined ? {} : { description }),
  };
}

/** A line's share of the entry's balance, in cents: debits count up, credits down. */
function readLine(line: unknown, { ledgers }: BusinessRecord): bigint {
  if (!isJsonObject(line) || typeof line.ledger_id !== 'string' || !ledgers.has(line.ledger_id)) {
    throw invalid('Each line needs the ledger_id of a ledger of this business.');
  }
  const { debit, credit } = line;
  if ((debit === undefined) === (credit === undefined)) {
    throw invalid('Each line needs either debit or credit.');
  }
  return debit === undefined ? -readCents(credit) : readCents(debit);
}

function readCents(amount: unknown): bigint {
  const text = typeof amount === 'number' || typeof amount === 'string' ? String(amount) : '';
  const [, dollars, cents = ''] = /^(\d{1,15})(?:\.(\d{1,2}))?$/.exec(text) ?? [];
  const total = dollars === undefined ? 0n : BigInt(dollars + cents.padEnd(2, '0'));
  if (total === 0n) {
    throw invalid('Amounts must be positive decimal dollars, such as 12.5 or "12.50".');
  }
  return total;
}
