import { jsonAnswer } from './http.answer.js';
import { newId } from './identifiers.js';
import { invalid, isJsonObject, readJsonObject } from './json-body.js';
import type { BusinessRecord } from './sandbox.businesses.js';
import { businessRoute, type Route } from './sandbox.router.js';

/**
 * Journal entries. Asset documents the path, the scope and that money is decimal dollars, as numbers or strings. The
 * body's fields are assumed: `lines`, at least two, each with a `ledger_id` of the business and either `debit` or
 * `credit`, the two sides adding up to the same; other fields are echoed.
 */
export function journalEntryRoutes(): readonly Route[] {
  return [
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
}

/** What a line adds to the entry's balance, in cents: debits count up, credits down. */
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
