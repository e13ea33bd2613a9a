import { documentedScopeLike } from '../../../lib/config/documented-scopes.js';

describe('T108 A scope that is almost a documented one', () => {
  it.each([
    ['ledgers:read', 'ledger:read'],
    ['ledger:reads', 'ledger:read'],
    ['ledger:raed', 'ledger:read'],
    ['Ledger:Read', 'ledger:read'],
    ['ledger.read', 'ledger:read'],
    ['ledger/read', 'ledger:read'],
    ['read:ledger', 'ledger:read'],
    ['invoice:created', 'invoice:create'],
    ['invoices:create', 'invoice:create'],
    ['journalEntry:create', 'journal_entry:create'],
    ['journal-entry:create', 'journal_entry:create'],
    ['reports:read', 'report:read'],
    ['bills:update', 'bill:update'],
  ])('%s is perhaps %s', (scope, meant) => {
    expect(documentedScopeLike(scope)).toBe(meant);
  });

  it.each([
    'ledger:read',
    'report:read',
    'ledger:delete',
    'business:read',
    'invoice:read',
    'invoice:void',
    'bill:read',
    'request:update',
    'journal_entry:update',
    'tax_form:read',
    'payroll:run',
    'openid',
    'a:r',
    'x',
    `ledger:read${'!'.repeat(10_000)}`,
  ])('%.30s is like none', (scope) => {
    expect(documentedScopeLike(scope)).toBeUndefined();
  });
});
