import { newId } from './identifiers.js';

/** A business of an {@link AssetSandbox}: a customer of the tenant. */
export interface SandboxBusiness {
  /** `biz_` and letters and digits. */
  readonly id: string;
  readonly name: string;
}

/** A ledger, with the fields of the Asset API reference. */
export interface Ledger {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly subtype: string | null;
  readonly description: string | null;
}

/** A business and what it owns. */
export interface BusinessRecord {
  readonly id: string;
  name: string;
  readonly ledgers: Map<string, Ledger>;
  /** What is kept without being understood (invoices, tasks), by collection. */
  readonly documents: Map<string, Map<string, Readonly<Record<string, unknown>>>>;
}

// The first id is the one in the Asset authentication guide; all three are fixed so that documentation can name them.
const FIRST_BUSINESSES: readonly SandboxBusiness[] = [
  { id: 'biz_GA6EG2qFxA97NZHtxeLPUy', name: 'Juniper Bakery' },
  { id: 'biz_7Qm2ZsK9pT4vXc8RbN1wYd', name: 'Northwind Cycles' },
  { id: 'biz_Kt5HjL3nVf6DgS8aPq2eMr', name: 'Harbour Dental' },
];

const FIRST_LEDGERS: readonly Omit<Ledger, 'id'>[] = [
  {
    name: 'Operating Account',
    type: 'asset',
    subtype: 'current_asset',
    description: 'Day-to-day bank account',
  },
  { name: 'Accounts Payable', type: 'liability', subtype: 'current_liability', description: null },
  { name: 'Sales', type: 'revenue', subtype: null, description: null },
];

/** The businesses of an {@link AssetSandbox}, in the order in which they were added. */
export class SandboxBusinesses {
  readonly #businesses = new Map<string, BusinessRecord>();

  constructor() {
    FIRST_BUSINESSES.forEach((business) => this.add(business));
  }

  get list(): readonly SandboxBusiness[] {
    return [...this.#businesses.values()].map(publicBusiness);
  }

  find(id: string): BusinessRecord | undefined {
    return this.#businesses.get(id);
  }

  /** @throws TypeError if the id is not one that Asset could have given, or the name is empty; Error if it is taken. */
  add(business: Partial<SandboxBusiness>): SandboxBusiness {
    const { id = newId('biz'), name = 'Unnamed Business' } = business;
    if (typeof id !== 'string' || !/^biz_[A-Za-z0-9]+$/.test(id)) {
      throw new TypeError('AssetSandbox.addBusiness: `id` must be biz_ followed by letters and digits.');
    }
    if (typeof name !== 'string' || name === '') {
      throw new TypeError('AssetSandbox.addBusiness: `name` must be a non-empty string.');
    }
    if (this.#businesses.has(id)) {
      throw new Error(`AssetSandbox.addBusiness: there is a business ${id} already.`);
    }
    const ledgers = FIRST_LEDGERS.map((ledger) => ({ id: newId('ldg'), ...ledger }));
    const record: BusinessRecord = {
      id,
      name,
      ledgers: new Map(ledgers.map((ledger) => [ledger.id, ledger])),
      documents: new Map(),
    };
    this.#businesses.set(id, record);
    return publicBusiness(record);
  }
}

export function publicBusiness({ id, name }: BusinessRecord): SandboxBusiness {
  return { id, name };
}
