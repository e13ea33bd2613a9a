export const LEDGER_TYPES = ['asset', 'liability', 'equity', 'revenue', 'expense'] as const;

export type LedgerType = (typeof LEDGER_TYPES)[number];

export interface Ledger {
  readonly id: string;
  readonly name: string;
  readonly type: LedgerType;
  readonly subtype: string | null;
  readonly description: string | null;
}
