import { HttpProblem, jsonAnswer } from './http.answer.js';
import { newId } from './identifiers.js';
import { invalid, type JsonObject, readJsonObject } from './json-body.js';
import { paginate } from './pagination.js';
import type { BusinessRecord, Ledger } from './sandbox.businesses.js';
import { businessRoute, type Route, type RouteCall } from './sandbox.router.js';

const LEDGER_TYPES = ['asset', 'liability', 'equity', 'revenue', 'expense'];

/** Ledgers of a business, with the fields and scopes of the Asset API reference. */
export function ledgerRoutes(): readonly Route[] {
  return [
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
}

function findLedger({ params }: RouteCall, { ledgers }: BusinessRecord): Ledger {
  const ledger = ledgers.get(params.ledgerId ?? '');
  if (ledger === undefined) {
    throw new HttpProblem(404, 'not_found', 'There is no such ledger in this business.');
  }
  return ledger;
}

/** The fields that the body names, each checked; those it does not name are absent from the result. */
function readLedger({ name, type, subtype, description }: JsonObject): Partial<Omit<Ledger, 'id'>> {
  if (name !== undefined && (typeof name !== 'string' || name.trim() === '')) {
    throw invalid('name must be a non-empty string.');
  }
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
    ...(name === undefined ? {} : { name }),
    ...(type === undefined ? {} : { type }),
    ...(subtype === undefined ? {} : { subtype }),
    ...(description === undefined ? {} : { description }),
  };
}
