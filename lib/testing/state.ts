import { randomBytes } from 'node:crypto';
import type { Answer } from './answer.js';
import { type AssetClock, SystemClock } from './clock.js';
import { SandboxFaults } from './faults.js';
import { SandboxHolds } from './holds.js';
import { type AssetSandboxOptions, type AssetSandboxSettings, initialSettings } from './options.js';
import { SandboxRateLimiter } from './rate-limit.js';
import { type OpenRequest, SandboxRecorder, type SandboxRequest } from './recorder.js';
import { SandboxTokens } from './tokens.js';

const DEFAULT_MAX_RECORDED = 100_000;
const DEFAULT_MAX_BODY_BYTES = 10 * 1024 * 1024;
const ID_ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** All that an {@link AssetSandbox} remembers: one object that the server, both endpoints and the routes share. */
export interface SandboxState {
  readonly clock: AssetClock;
  readonly clientId: string;
  readonly maxBodyBytes: number;
  readonly onRequest: (request: SandboxRequest) => void;
  readonly businesses: SandboxBusinesses;
  readonly tagFields: Documents;
  readonly tokens: SandboxTokens;
  readonly limiter: SandboxRateLimiter;
  readonly recorder: SandboxRecorder;
  readonly faults: SandboxFaults;
  readonly holds: SandboxHolds;
  clientSecret: string;
  settings: AssetSandboxSettings;
  /** `http://127.0.0.1:<port>`; empty until the server listens. */
  origin: string;
}

/** A request that one of the two endpoints has taken up. */
export interface AcceptedRequest {
  readonly record: OpenRequest;
  /** Does what was asked. Not called if a scripted fault takes the answer's place. */
  readonly serve: () => Answer;
}

/** @throws TypeError that names every option that is unknown or unusable. */
export function createState(options: AssetSandboxOptions): SandboxState {
  const settings = initialSettings(options);
  const { maxRecordedRequests = DEFAULT_MAX_RECORDED, maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = options;
  return {
    clock: options.clock ?? new SystemClock(),
    clientId: options.clientId ?? newId('client'),
    maxBodyBytes,
    onRequest: options.onRequest ?? ((): void => {}),
    businesses: new SandboxBusinesses(),
    tagFields: new Map(),
    tokens: new SandboxTokens(maxRecordedRequests),
    limiter: new SandboxRateLimiter(),
    recorder: new SandboxRecorder(maxRecordedRequests),
    faults: new SandboxFaults(),
    holds: new SandboxHolds(),
    clientSecret: options.clientSecret ?? newSecret(),
    settings,
    origin: '',
  };
}

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

/** JSON objects that the sandbox keeps without a model of their fields, by id. */
export type Documents = Map<string, Readonly<Record<string, unknown>>>;

/** A business and what it owns. */
export interface BusinessRecord {
  readonly id: string;
  name: string;
  readonly ledgers: Map<string, Ledger>;
  /** By collection, such as invoice or task. */
  readonly documents: Map<string, Documents>;
}

// Fixed, so that documentation can name them. The first is the example of the Asset authentication guide.
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

/** A business as answers show it. */
export function publicBusiness({ id, name }: BusinessRecord): SandboxBusiness {
  return { id, name };
}

/** A random id as Asset forms them: a prefix such as `biz`, an underscore, then letters and digits. */
export function newId(prefix: string): string {
  const characters = Array.from(randomBytes(22), (byte) => ID_ALPHABET.charAt(byte % ID_ALPHABET.length));
  return `${prefix}_${characters.join('')}`;
}

/** Random, with characters that mean something in a form, so that a client that forgets to encode fails. */
export function newSecret(): string {
  return `+/&=% ${randomBytes(24).toString('base64url')}`;
}
